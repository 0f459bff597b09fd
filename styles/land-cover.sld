<?xml version="1.0" encoding="UTF-8"?>
<StyledLayerDescriptor version="1.0.0" xmlns="http://www.opengis.net/sld" xmlns:ogc="http://www.opengis.net/ogc" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://www.opengis.net/sld http://schemas.opengis.net/sld/1.0.0/StyledLayerDescriptor.xsd">
  <NamedLayer>
    <Name>land-cover</Name>
    <UserStyle>
      <Name>land-cover</Name>
      <Title>Land cover</Title>
      <FeatureTypeStyle>
        <Rule>
          <Title>Land cover</Title>
          <RasterSymbolizer>
            <ColorMap type="values">
              <ColorMapEntry color="#e6ab02" quantity="1" label="rice"/>
              <ColorMapEntry color="#003d24" quantity="2" label="forest"/>
              <ColorMapEntry color="#bfd6ac" quantity="3" label="grass"/>
              <ColorMapEntry color="#2f90b5" quantity="4" label="water"/>
              <ColorMapEntry color="#7a1d94" quantity="5" label="urban"/>
              <ColorMapEntry color="#7d6e4f" quantity="6" label="bare"/>
            </ColorMap>
          </RasterSymbolizer>
        </Rule>
      </FeatureTypeStyle>
    </UserStyle>
  </NamedLayer>
</StyledLayerDescriptor>
