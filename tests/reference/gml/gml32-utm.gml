<?xml version="1.0" encoding="utf-8" ?>
<ogr:FeatureCollection
     gml:id="aFeatureCollection"
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xsi:schemaLocation="http://ogr.maptools.org/ gml32-utm.xsd"
     xmlns:ogr="http://ogr.maptools.org/"
     xmlns:gml="http://www.opengis.net/gml/3.2">
  <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>698101.710059067 2988008.13836772</gml:lowerCorner><gml:upperCorner>817586.327340417 3087897.90659258</gml:upperCorner></gml:Envelope></gml:boundedBy>
                                                                                                                 
  <ogr:featureMember>
    <ogr:features gml:id="features.0">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>706693.794321912 3087897.90659258</gml:lowerCorner><gml:upperCorner>706693.794321912 3087897.90659258</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:Point srsName="urn:ogc:def:crs:EPSG::32649" gml:id="features.geom.0"><gml:pos>706693.794321912 3087897.90659258</gml:pos></gml:Point></ogr:geometryProperty>
      <ogr:class>single-rice</ogr:class>
      <ogr:depth>7</ogr:depth>
      <ogr:share>0.25</ogr:share>
      <ogr:seen>2022-06-01</ogr:seen>
      <ogr:code>007</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.1">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>706693.794321912 3076988.95380146</gml:lowerCorner><gml:upperCorner>716737.913817312 3087897.90659258</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiPoint srsName="urn:ogc:def:crs:EPSG::32649" gml:id="features.geom.1"><gml:pointMember><gml:Point gml:id="features.geom.1.0"><gml:pos>706693.794321912 3087897.90659258</gml:pos></gml:Point></gml:pointMember><gml:pointMember><gml:Point gml:id="features.geom.1.1"><gml:pos>716737.913817312 3076988.95380146</gml:pos></gml:Point></gml:pointMember></gml:MultiPoint></ogr:geometryProperty>
      <ogr:class>corn &amp; beans</ogr:class>
      <ogr:depth>8</ogr:depth>
      <ogr:share xsi:nil="true"/>
      <ogr:seen xsi:nil="true"/>
      <ogr:code>A1</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.2">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>698101.710059067 2988008.13836772</gml:lowerCorner><gml:upperCorner>718305.168931697 3010500.37753624</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:Polygon srsName="urn:ogc:def:crs:EPSG::32649" gml:id="features.geom.2"><gml:exterior><gml:LinearRing><gml:posList>698454.234216646 2988008.13836772 718305.168931697 2988338.60081741 717917.329614491 3010500.37753624 698101.710059067 3010168.24510927 698454.234216646 2988008.13836772</gml:posList></gml:LinearRing></gml:exterior><gml:interior><gml:LinearRing><gml:posList>703326.722213678 2993627.8743025 703236.461649955 2999167.98442116 708194.740662629 2999249.82148107 708287.206401048 2993709.60810701 703326.722213678 2993627.8743025</gml:posList></gml:LinearRing></gml:interior></gml:Polygon></ogr:geometryProperty>
      <ogr:class>水稻</ogr:class>
      <ogr:depth>9</ogr:depth>
      <ogr:share>0.5</ogr:share>
      <ogr:seen>2022-06-02</ogr:seen>
      <ogr:code>A2</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.3">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>698454.234216646 2988008.13836772</gml:lowerCorner><gml:upperCorner>817586.327340417 3012636.79531569</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiSurface srsName="urn:ogc:def:crs:EPSG::32649" gml:id="features.geom.3"><gml:surfaceMember><gml:Polygon gml:id="features.geom.3.0"><gml:exterior><gml:LinearRing><gml:posList>698454.234216646 2988008.13836772 718305.168931697 2988338.60081741 717917.329614491 3010500.37753624 698454.234216646 2988008.13836772</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember><gml:surfaceMember><gml:Polygon gml:id="features.geom.3.1"><gml:exterior><gml:LinearRing><gml:posList>797726.087004949 2989975.96688632 817586.327340417 2990464.28241202 817021.610295668 3012636.79531569 797726.087004949 2989975.96688632</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember></gml:MultiSurface></ogr:geometryProperty>
      <ogr:class>two</ogr:class>
      <ogr:depth>10</ogr:depth>
      <ogr:share>0.75</ogr:share>
      <ogr:seen>2022-06-03</ogr:seen>
      <ogr:code>A3</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.4">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>698454.234216646 2988008.13836772</gml:lowerCorner><gml:upperCorner>718305.168931697 2988338.60081741</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:LineString srsName="urn:ogc:def:crs:EPSG::32649" gml:id="features.geom.4"><gml:posList>698454.234216646 2988008.13836772 718305.168931697 2988338.60081741</gml:posList></gml:LineString></ogr:geometryProperty>
      <ogr:class>line</ogr:class>
      <ogr:depth>11</ogr:depth>
      <ogr:share>1</ogr:share>
      <ogr:seen>2022-06-04</ogr:seen>
      <ogr:code>A4</ogr:code>
    </ogr:features>
  </ogr:featureMember>
  <ogr:featureMember>
    <ogr:features gml:id="features.5">
      <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::32649"><gml:lowerCorner>698454.234216646 2988008.13836772</gml:lowerCorner><gml:upperCorner>817586.327340417 2990464.28241202</gml:upperCorner></gml:Envelope></gml:boundedBy>
      <ogr:geometryProperty><gml:MultiCurve srsName="urn:ogc:def:crs:EPSG::32649" gml:id="features.geom.5"><gml:curveMember><gml:LineString gml:id="features.geom.5.0"><gml:posList>698454.234216646 2988008.13836772 718305.168931697 2988338.60081741</gml:posList></gml:LineString></gml:curveMember><gml:curveMember><gml:LineString gml:id="features.geom.5.1"><gml:posList>797726.087004949 2989975.96688632 817586.327340417 2990464.28241202</gml:posList></gml:LineString></gml:curveMember></gml:MultiCurve></ogr:geometryProperty>
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
