<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" classificationMin="0" classificationMax="100">
      <rastershader>
        <colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0" minimumValue="0" maximumValue="100">
          <item value="0" color="#440154" alpha="255" label="0 %"/>
          <item value="25" color="#3b528b" alpha="255" label="25 %"/>
          <item value="50" color="#21918c" alpha="255" label="50 %"/>
          <item value="75" color="#5ec962" alpha="255" label="75 %"/>
          <item value="100" color="#fde725" alpha="255" label="100 %"/>
        </colorrampshader>
      </rastershader>
    </rasterrenderer>
  </pipe>
</qgis>
