<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>index</Name>
    <UserStyle>
      <Name>index</Name>
      <Title>Spectral index</Title>
      <FeatureTypeStyle>
        <Rule>
          <Title>Spectral index</Title>
          <RasterSymbolizer>
            <ColorMap type="ramp">
              <ColorMapEntry color="#f7f3d7" quantity="0" opacity="1" label="0"/>
              <ColorMapEntry color="#d9e39a" quantity="0.25" opacity="1" label="0.25"/>
              <ColorMapEntry color="#8fc26f" quantity="0.5" opacity="1" label="0.5"/>
              <ColorMapEntry color="#2f8f4e" quantity="0.75" opacity="1" label="0.75"/>
              <ColorMapEntry color="#00402a" quantity="1" opacity="1" label="1"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
