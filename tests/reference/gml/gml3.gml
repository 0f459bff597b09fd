<?xml version="1.0" encoding="utf-8" ?>
<ogr:FeatureCollection
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xsi:schemaLocation="http://ogr.maptools.org/ gml3.xsd"
     xmlns:ogr="http://ogr.maptools.org/"
     xmlns:gml="http://www.opengis.net/gml">
  <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27 113</gml:lowerCorner><gml:upperCorner>27.9 114.2</gml:upperCorner></gml:Envelope></gml:boundedBy>
                                                                                                                                                                    
  <ogr:featureMember>
    <ogr:features gml:id="features.0">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27.9 113.1</gml:lowerCorner><gml:upperCorner>27.9 113.1</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:Point srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>27.9 113.1</gml:pos></gml:Point></ogr:geometryProperty>
      <ogr:class>single-rice</ogr:class>
      <ogr:depth>7</ogr:depth>
      <ogr:share>0.25</ogr:share>
      <ogr:seen>2022-06-01</ogr:seen>
      <ogr:code>007</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.1">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27.8 113.1</gml:lowerCorner><gml:upperCorner>27.9 113.2</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiPoint srsName="urn:ogc:def:crs:EPSG::4326"><gml:pointMember><gml:Point><gml:pos>27.9 113.1</gml:pos></gml:Point></gml:pointMember><gml:pointMember><gml:Point><gml:pos>27.8 113.2</gml:pos></gml:Point></gml:pointMember></gml:MultiPoint></ogr:geometryProperty>
      <ogr:class>corn &amp; beans</ogr:class>
      <ogr:depth>8</ogr:depth>
      <ogr:share xsi:nil="true"/>
      <ogr:seen xsi:nil="true"/>
      <ogr:code>A1</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.2">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27 113</gml:lowerCorner><gml:upperCorner>27.2 113.2</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:Polygon srsName="urn:ogc:def:crs:EPSG::4326"><gml:exterior><gml:LinearRing><gml:posList>27 113 27.0 113.2 27.2 113.2 27.2 113.0 27 113</gml:posList></gml:LinearRing></gml:exterior><gml:interior><gml:LinearRing><gml:posList>27.05 113.05 27.1 113.05 27.1 113.1 27.05 113.1 27.05 113.05</gml:posList></gml:LinearRing></gml:interior></gml:Polygon></ogr:geometryProperty>
      <ogr:class>水稻</ogr:class>
      <ogr:depth>9</ogr:depth>
      <ogr:share>0.5</ogr:share>
      <ogr:seen>2022-06-02</ogr:seen>
      <ogr:code>A2</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.3">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27 113</gml:lowerCorner><gml:upperCorner>27.2 114.2</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::4326"><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>27 113 27.0 113.2 27.2 113.2 27 113</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>27 114 27.0 114.2 27.2 114.2 27 114</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:class>two</ogr:class>
      <ogr:depth>10</ogr:depth>
      <ogr:share>0.75</ogr:share>
      <ogr:seen>2022-06-03</ogr:seen>
      <ogr:code>A3</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.4">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27 113</gml:lowerCorner><gml:upperCorner>27.0 113.2</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:LineString srsName="urn:ogc:def:crs:EPSG::4326"><gml:posList>27 113 27.0 113.2</gml:posList></gml:LineString></ogr:geometryProperty>
      <ogr:class>line</ogr:class>
      <ogr:depth>11</ogr:depth>
      <ogr:share>1</ogr:share>
      <ogr:seen>2022-06-04</ogr:seen>
      <ogr:code>A4</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.5">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::4326"><gml:lowerCorner>27 113</gml:lowerCorner><gml:upperCorner>27.0 114.2</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiCurve srsName="urn:ogc:def:crs:EPSG::4326"><gml:curveMember><gml:LineString><gml:posList>27 113 27.0 113.2</gml:posList></gml:LineString></gml:curveMember><gml:curveMember><gml:LineString><gml:posList>27 114 27.0 114.2</gml:posList></gml:LineString></gml:curveMember></gml:MultiCurve></ogr:geometryProperty>
      <ogr:class>lines</ogr:class>
      <ogr:depth>12</ogr:depth>
      <ogr:share>1.5</ogr:share>
      <ogr:seen>2022-06-05</ogr:seen>
      <ogr:code>A5</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.6">
      <ogr:class>nowhere</ogr:class>
      <ogr:depth>13</ogr:depth>
      <ogr:share>2</ogr:share>
      <ogr:seen>2022-06-06</ogr:seen>
      <ogr:code>A6</ogr:code>
    </ogr:features>
  </ogr:featureMember>
</ogr:FeatureCollection>
