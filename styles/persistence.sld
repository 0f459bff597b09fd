<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>persistence</Name>
    <UserStyle>
      <Name>persistence</Name>
      <Title>Share of years stressed</Title>
      <FeatureTypeStyle>
        <Rule>
          <Title>Share of years stressed</Title>
          <RasterSymbolizer>
            <ColorMap type="ramp">
              <ColorMapEntry color="#fef0d9" quantity="0" opacity="1" label="0 %"/>
              <ColorMapEntry color="#fdcc8a" quantity="25" opacity="1" label="25 %"/>
              <ColorMapEntry color="#fc8d59" quantity="50" opacity="1" label="50 %"/>
              <ColorMapEntry color="#d7301f" quantity="75" opacity="1" label="75 %"/>
              <ColorMapEntry color="#7f0000" quantity="100" opacity="1" label="100 %"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
