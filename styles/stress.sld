<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>stress</Name>
    <UserStyle>
      <Name>stress</Name>
      <Title>Stress of rice</Title>
      <Abstract>evidence of chlorophyll loss in rice, not a soil test</Abstract>
      <FeatureTypeStyle>
        <Rule>
          <Title>Stress of rice</Title>
          <RasterSymbolizer>
            <ColorMap type="values">
              <ColorMapEntry color="#e3e0d8" quantity="0" label="non-rice"/>
              <ColorMapEntry color="#2a9d8f" quantity="1" label="unstressed-rice"/>
              <ColorMapEntry color="#d55e00" quantity="2" label="stressed-rice"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
