"""Computes src/simulate/canopy.csv: reflectance of a canopy at Sentinel-2's bands, by chlorophyll, leaf area and background.

usage: pip install prosail==2.0.5 && python examples/canopy_table.py > src/simulate/canopy.csv

PROSPECT-D + 4SAIL (Feret et al. 2017, Verhoef et al. 2007), nadir view, sun at 32 degrees. Band
responses are Gaussians of Sentinel-2A's central wavelengths and widths."""
import numpy as np
import prosail
from prosail import spectral_lib

BANDS = {  # central wavelength and full width at half maximum, nm
    "B01": (442.7, 21), "B02": (492.4, 66), "B03": (559.8, 36), "B04": (664.6, 31), "B05": (704.1, 15),
    "B06": (740.5, 15), "B07": (782.8, 20), "B08": (832.8, 106), "B8A": (864.7, 21), "B11": (1613.7, 91), "B12": (2202.4, 175),
}
CHLOROPHYLL = [5, 12, 20, 28, 36, 46, 58, 72]
LEAF_AREA = [0, 0.2, 0.5, 1, 1.7, 2.6, 3.8, 5.2, 7]
WAVELENGTH = np.arange(400, 2501)


def curve(points):
    return np.interp(WAVELENGTH, *zip(*points))


BACKGROUNDS = {
    "dry": spectral_lib.soil.rsoil1 * 0.85,
    "wet": spectral_lib.soil.rsoil1 * 0.15 + spectral_lib.soil.rsoil2 * 0.55,
    # A hand's breadth of water over mud, and a silty river.
    "flooded": curve([(400, .045), (500, .060), (570, .078), (650, .074), (705, .064), (740, .050), (800, .046), (870, .036), (1000, .020), (1600, .007), (2500, .003)]),
    "water": curve([(400, .040), (500, .055), (570, .068), (650, .050), (705, .038), (740, .026), (800, .025), (870, .020), (1000, .010), (1600, .004), (2500, .002)]),
    "paved": curve([(400, .100), (500, .125), (570, .145), (650, .160), (705, .167), (800, .180), (870, .187), (1200, .215), (1600, .240), (2200, .225), (2500, .215)]),
}


def response(spectrum):
    for centre, width in BANDS.values():
        weight = np.exp(-4 * np.log(2) * ((WAVELENGTH - centre) / width) ** 2)
        yield float((weight * spectrum).sum() / weight.sum())


print(f"# tool: PROSPECT-D + 4SAIL, PyPI prosail {__import__('importlib.metadata').metadata.version('prosail')}; command: python examples/canopy_table.py")
print("background,chlorophyll_ug_cm2,leaf_area_m2_m2," + ",".join(BANDS))
for name, soil in BACKGROUNDS.items():
    for chlorophyll in CHLOROPHYLL:
        for leaf_area in LEAF_AREA:
            # Yellowing leaves carry relatively more carotenoids and brown pigment.
            brown = max(0.0, 0.5 * (1 - chlorophyll / 25))
            spectrum = soil if leaf_area == 0 else prosail.run_prosail(
                1.5, chlorophyll, 4 + chlorophyll / 6, brown, 0.012, 0.005, leaf_area, 58.0, 0.1, 32.0, 0.0, 0.0,
                prospect_version="D", rsoil0=soil)
            print(f"{name},{chlorophyll},{leaf_area}," + ",".join(f"{v:.4f}" for v in response(spectrum)))
