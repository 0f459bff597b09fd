<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1">
      <colorPalette>
        <paletteEntry value="1" color="#e6ab02" alpha="255" label="rice"/>
        <paletteEntry value="2" color="#003d24" alpha="255" label="forest"/>
        <paletteEntry value="3" color="#bfd6ac" alpha="255" label="grass"/>
        <paletteEntry value="4" color="#2f90b5" alpha="255" label="water"/>
        <paletteEntry value="5" color="#7a1d94" alpha="255" label="urban"/>
        <paletteEntry value="6" color="#7d6e4f" alpha="255" label="bare"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>
