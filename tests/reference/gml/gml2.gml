<?xml version="1.0" encoding="utf-8" ?>
<ogr:FeatureCollection
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xsi:schemaLocation="http://ogr.maptools.org/ gml2.xsd"
     xmlns:ogr="http://ogr.maptools.org/"
     xmlns:gml="http://www.opengis.net/gml">
  <gml:boundedBy>
    <gml:Box>
      <gml:coord><gml:X>113</gml:X><gml:Y>27</gml:Y></gml:coord>
      <gml:coord><gml:X>114.2</gml:X><gml:Y>27.9</gml:Y></gml:coord>
    </gml:Box>
  </gml:boundedBy>
                                                                                                                                                      
  <gml:featureMember>
    <ogr:features fid="features.0">
      <ogr:geometryProperty><gml:Point srsName="EPSG:4326"><gml:coordinates>113.1,27.9</gml:coordinates></gml:Point></ogr:geometryProperty>
      <ogr:class>single-rice</ogr:class>
      <ogr:depth>7</ogr:depth>
      <ogr:share>0.25</ogr:share>
      <ogr:seen>2022-06-01</ogr:seen>
      <ogr:code>007</ogr:code>
    </ogr:features>
  </gml:featureMember>
  <gml:featureMember>
    <ogr:features fid="features.1">
      <ogr:geometryProperty><gml:MultiPoint srsName="EPSG:4326"><gml:pointMember><gml:Point><gml:coordinates>113.1,27.9</gml:coordinates></gml:Point></gml:pointMember><gml:pointMember><gml:Point><gml:coordinates>113.2,27.8</gml:coordinates></gml:Point></gml:pointMember></gml:MultiPoint></ogr:geometryProperty>
      <ogr:class>corn &amp; beans</ogr:class>
      <ogr:depth>8</ogr:depth>
      <ogr:share xsi:nil="true"/>
      <ogr:seen xsi:nil="true"/>
      <ogr:code>A1</ogr:code>
    </ogr:features>
  </gml:featureMember>
  <gml:featureMember>
    <ogr:features fid="features.2">
      <ogr:geometryProperty><gml:Polygon srsName="EPSG:4326"><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>113,27 113.2,27.0 113.2,27.2 113.0,27.2 113,27</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs><gml:innerBoundaryIs><gml:LinearRing><gml:coordinates>113.05,27.05 113.05,27.1 113.1,27.1 113.1,27.05 113.05,27.05</gml:coordinates></gml:LinearRing></gml:innerBoundaryIs></gml:Polygon></ogr:geometryProperty>
      <ogr:class>水稻</ogr:class>
      <ogr:depth>9</ogr:depth>
      <ogr:share>0.5</ogr:share>
      <ogr:seen>2022-06-02</ogr:seen>
      <ogr:code>A2</ogr:code>
    </ogr:features>
  </gml:featureMember>
  <gml:featureMember>
    <ogr:features fid="features.3">
      <ogr:geometryProperty><gml:MultiPolygon srsName="EPSG:4326"><gml:polygonMember><gml:Polygon><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>113,27 113.2,27.0 113.2,27.2 113,27</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs></gml:Polygon></gml:polygonMember><gml:polygonMember><gml:Polygon><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>114,27 114.2,27.0 114.2,27.2 114,27</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs></gml:Polygon></gml:polygonMember></gml:MultiPolygon></ogr:geometryProperty>
      <ogr:class>two</ogr:class>
      <ogr:depth>10</ogr:depth>
      <ogr:share>0.75</ogr:share>
      <ogr:seen>2022-06-03</ogr:seen>
      <ogr:code>A3</ogr:code>
    </ogr:features>
  </gml:featureMember>
  <gml:featureMember>
    <ogr:features fid="features.4">
      <ogr:geometryProperty><gml:LineString srsName="EPSG:4326"><gml:coordinates>113,27 113.2,27.0</gml:coordinates></gml:LineString></ogr:geometryProperty>
      <ogr:class>line</ogr:class>
      <ogr:depth>11</ogr:depth>
      <ogr:share>1</ogr:share>
      <ogr:seen>2022-06-04</ogr:seen>
      <ogr:code>A4</ogr:code>
    </ogr:features>
  </gml:featureMember>
  <gml:featureMember>
    <ogr:features fid="features.5">
      <ogr:geometryProperty><gml:MultiLineString srsName="EPSG:4326"><gml:lineStringMember><gml:LineString><gml:coordinates>113,27 113.2,27.0</gml:coordinates></gml:LineString></gml:lineStringMember><gml:lineStringMember><gml:LineString><gml:coordinates>114,27 114.2,27.0</gml:coordinates></gml:LineString></gml:lineStringMember></gml:MultiLineString></ogr:geometryProperty>
      <ogr:class>lines</ogr:class>
      <ogr:depth>12</ogr:depth>
      <ogr:share>1.5</ogr:share>
      <ogr:seen>2022-06-05</ogr:seen>
      <ogr:code>A5</ogr:code>
    </ogr:features>
  </gml:featureMember>
  <gml:featureMember>
    <ogr:features fid="features.6">
      <ogr:class>nowhere</ogr:class>
      <ogr:depth>13</ogr:depth>
      <ogr:share>2</ogr:share>
      <ogr:seen>2022-06-06</ogr:seen>
      <ogr:code>A6</ogr:code>
    </ogr:features>
  </gml:featureMember>
</ogr:FeatureCollection>
