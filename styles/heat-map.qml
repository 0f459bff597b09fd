<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" classificationMin="0" classificationMax="1">
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="0" maximumValue="1">
          <item value="0" color="#ffffcc" alpha="0" label="0"/>
          <item value="0.25" color="#fed976" alpha="179" label="0.25"/>
          <item value="0.5" color="#fd8d3c" alpha="230" label="0.5"/>
          <item value="0.75" color="#e31a1c" alpha="255" label="0.75"/>
          <item value="1" color="#800026" alpha="255" label="1"/>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
  </pipe>
</qgis>
