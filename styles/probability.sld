<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>probability</Name>
    <UserStyle>
      <Name>probability</Name>
      <Title>Probability</Title>
      <FeatureTypeStyle>
        <Rule>
          <Title>Probability</Title>
          <RasterSymbolizer>
            <ColorMap type="ramp">
              <ColorMapEntry color="#440154" quantity="0" opacity="1" label="0 %"/>
              <ColorMapEntry color="#3b528b" quantity="25" opacity="1" label="25 %"/>
              <ColorMapEntry color="#21918c" quantity="50" opacity="1" label="50 %"/>
              <ColorMapEntry color="#5ec962" quantity="75" opacity="1" label="75 %"/>
              <ColorMapEntry color="#fde725" quantity="100" opacity="1" label="100 %"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
