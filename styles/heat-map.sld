<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>heat-map</Name>
    <UserStyle>
      <Name>heat-map</Name>
      <Title>Heat map of mines</Title>
      <FeatureTypeStyle>
        <Rule>
          <Title>Heat map of mines</Title>
          <RasterSymbolizer>
            <ColorMap type="ramp">
              <ColorMapEntry color="#ffffcc" quantity="0" opacity="0" label="0"/>
              <ColorMapEntry color="#fed976" quantity="0.25" opacity="0.7" label="0.25"/>
              <ColorMapEntry color="#fd8d3c" quantity="0.5" opacity="0.9" label="0.5"/>
              <ColorMapEntry color="#e31a1c" quantity="0.75" opacity="1" label="0.75"/>
              <ColorMapEntry color="#800026" quantity="1" opacity="1" label="1"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
