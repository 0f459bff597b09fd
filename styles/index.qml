<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" classificationMin="0" classificationMax="1">
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="0" maximumValue="1">
          <item value="0" color="#f7f3d7" alpha="255" label="0"/>
          <item value="0.25" color="#d9e39a" alpha="255" label="0.25"/>
          <item value="0.5" color="#8fc26f" alpha="255" label="0.5"/>
          <item value="0.75" color="#2f8f4e" alpha="255" label="0.75"/>
          <item value="1" color="#00402a" alpha="255" label="1"/>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
  </pipe>
</qgis>
