//! The bytes of a cloud optimized GeoTIFF before its tiles: header, GDAL's note on the layout,
//! and the directories of the full image and its overviews (TIFF 6.0; the layout is described in
//! GDAL's COG driver documentation).

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use gdal::DriverManager;

use crate::crs::GeoBox;

/// One TIFF tag, its values as little-endian bytes.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    id: u16,
    kind: u16,
    count: u32,
    bytes: Vec<u8>,
}

impl Tag {
    pub(super) fn short(id: u16, values: &[u16]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { id, kind: 3, count: values.len() as u32, bytes }
    }

    pub(super) fn long(id: u16, values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Self { id, kind: 4, count: values.len() as u32, bytes }
    }

    pub(super) fn text(id: u16, text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.push(0);
        Self { id, kind: 2, count: bytes.len() as u32, bytes }
    }
}

/// One image of the file: its tags without the tiles', and the sizes of its tiles.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) tags: Vec<Tag>,
    pub(super) tiles: Vec<u32>,
}

impl Image {
    /// Bytes of the tiles with the leader and trailer of each.
    pub(super) fn data_len(&self) -> u64 {
        self.tiles.iter().map(|&size| u64::from(size) + TILE_FRAME).sum()
    }

    /// Bytes of the directory and of the values that do not fit into it.
    fn directory_len(&self) -> usize {
        let outside = |len: usize| if len > 4 { len + len % 2 } else { 0 };
        let tiles = 2 * outside(4 * self.tiles.len());
        let tags: usize = self.tags.iter().map(|t| outside(t.bytes.len())).sum();
        2 + 12 * (self.tags.len() + 2) + 4 + tags + tiles
    }
}

/// Each tile stands between its size and its last four bytes repeated.
const TILE_FRAME: u64 = 8;

/// A tile as it stands in the file.
pub(super) fn framed_tile(compressed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(compressed.len() + 8);
    bytes.extend_from_slice(&(compressed.len() as u32).to_le_bytes());
    bytes.extend_from_slice(compressed);
    bytes.extend_from_slice(&compressed[compressed.len().saturating_sub(4)..]);
    bytes
}

/// Everything before the tiles. The tiles of the last image follow first, those of the first
/// image last. `None` where the file would pass the 4 GiB of a classic TIFF.
pub(super) fn head(images: &[Image]) -> Option<Vec<u8>> {
    let note = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n\
                BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
    let mut ghost = format!("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{note}", note.len());
    if ghost.len() % 2 == 1 {
        ghost.push('\0');
    }
    let first = 8 + ghost.len();
    let data = first + images.iter().map(Image::directory_len).sum::<usize>();
    let mut starts = vec![0; images.len()];
    let mut end = data as u64;
    for (start, image) in starts.iter_mut().zip(images).rev() {
        *start = end;
        end += image.data_len();
    }
    u32::try_from(end).ok()?;

    let mut out = Vec::with_capacity(data);
    out.extend_from_slice(b"II*\0");
    out.extend_from_slice(&(first as u32).to_le_bytes());
    out.extend_from_slice(ghost.as_bytes());
    for (position, (image, &start)) in images.iter().zip(&starts).enumerate() {
        let mut at = start + 4;
        let offsets = image.tiles.iter().map(|&size| {
            let offset = at as u32;
            at += u64::from(size) + TILE_FRAME;
            offset
        });
        let mut tags = image.tags.clone();
        tags.push(Tag::long(324, &offsets.collect::<Vec<_>>()));
        tags.push(Tag::long(325, &image.tiles));
        tags.sort_by_key(|t| t.id);

        let begin = out.len();
        let mut outside = begin + 2 + 12 * tags.len() + 4;
        let mut values = Vec::new();
        out.extend_from_slice(&(tags.len() as u16).to_le_bytes());
        for tag in &tags {
            out.extend_from_slice(&tag.id.to_le_bytes());
            out.extend_from_slice(&tag.kind.to_le_bytes());
            out.extend_from_slice(&tag.count.to_le_bytes());
            if tag.bytes.len() <= 4 {
                let mut inline = tag.bytes.clone();
                inline.resize(4, 0);
                out.extend_from_slice(&inline);
            } else {
                out.extend_from_slice(&(outside as u32).to_le_bytes());
                values.extend_from_slice(&tag.bytes);
                if tag.bytes.len() % 2 == 1 {
                    values.push(0);
                }
                outside = begin + 2 + 12 * tags.len() + 4 + values.len();
            }
        }
        let next = if position + 1 < images.len() { (begin + image.directory_len()) as u32 } else { 0 };
        out.extend_from_slice(&next.to_le_bytes());
        out.extend_from_slice(&values);
    }
    debug_assert_eq!(out.len(), data);
    Some(out)
}

/// The tags that georeference a grid: written by GDAL into a file of one pixel in memory, so that
/// every CRS that GDAL can write is written as GDAL writes it.
pub(super) fn geo_tags(grid: &GeoBox) -> Result<Vec<Tag>, String> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(format!("/vsimem/rededge-geo-{}-{number}.tif", std::process::id()));
    let text = |e: gdal::errors::GdalError| e.to_string();
    let driver = DriverManager::get_driver_by_name("GTiff").map_err(text)?;
    let options = gdal::raster::RasterCreationOptions::from_iter(["ENDIANNESS=LITTLE", "BIGTIFF=NO"]);
    let mut dataset =
        driver.create_with_band_type_with_options::<u8, _>(&path, 1, 1, 1, &options).map_err(text)?;
    dataset.set_geo_transform(&grid.affine.0).map_err(text)?;
    let reference = grid.crs.to_spatial_ref().map_err(|e| e.to_string())?;
    dataset.set_spatial_ref(&reference).map_err(text)?;
    dataset.close().map_err(text)?;
    let bytes = gdal::vsi::get_vsi_mem_file_bytes_owned(&path).map_err(text)?;
    // ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams,
    // GeoAsciiParams.
    read_tags(&bytes, &[33550, 33922, 34264, 34735, 34736, 34737])
        .ok_or_else(|| "GDAL wrote a file that is not a classic TIFF".to_owned())
}

fn read_tags(file: &[u8], wanted: &[u16]) -> Option<Vec<Tag>> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(file.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(file.get(at..at + 4)?.try_into().ok()?));
    if file.get(..4)? != b"II*\0" {
        return None;
    }
    let directory = u32_at(4)? as usize;
    let mut tags = Vec::new();
    for entry in 0..usize::from(u16_at(directory)?) {
        let at = directory + 2 + 12 * entry;
        let (id, kind, count) = (u16_at(at)?, u16_at(at + 2)?, u32_at(at + 4)?);
        if !wanted.contains(&id) {
            continue;
        }
        let size = match kind {
            2 => 1,
            3 => 2,
            12 => 8,
            _ => return None,
        } * count as usize;
        let start = if size <= 4 { at + 8 } else { u32_at(at + 8)? as usize };
        tags.push(Tag { id, kind, count, bytes: file.get(start..start + size)?.to_vec() });
    }
    Some(tags)
}
