<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>rice</Name>
    <UserStyle>
      <Name>rice</Name>
      <Title>Rice</Title>
      <FeatureTypeStyle>
        <Rule>
          <Title>Rice</Title>
          <RasterSymbolizer>
            <ColorMap type="values">
              <ColorMapEntry color="#e6ab02" quantity="1" label="single-rice"/>
              <ColorMapEntry color="#1b7837" quantity="2" label="double-rice"/>
              <ColorMapEntry color="#e3e0d8" quantity="3" label="non-rice"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
