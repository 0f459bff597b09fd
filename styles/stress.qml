<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">
      <colorPalette>
        <paletteEntry value="0" color="#e3e0d8" alpha="255" label="non-rice"/>
        <paletteEntry value="1" color="#2a9d8f" alpha="255" label="unstressed-rice"/>
        <paletteEntry value="2" color="#d55e00" alpha="255" label="stressed-rice"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
