<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">
      <colorPalette>
        <paletteEntry value="1" color="#e6ab02" alpha="255" label="single-rice"/>
        <paletteEntry value="2" color="#1b7837" alpha="255" label="double-rice"/>
        <paletteEntry value="3" color="#e3e0d8" alpha="255" label="non-rice"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
