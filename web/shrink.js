// A worker: a picture made to fit, so that the page goes on while it is decoded.

const STEP = 0.9;

onmessage = async ({ data: { file, mostBytes } }) => {
  try {
    const picture = await createImageBitmap(file);
    let scale = Math.sqrt(mostBytes / file.size) * STEP;
    for (;;) {
      const width = Math.round(picture.width * scale);
      const height = Math.round(picture.height * scale);
      const canvas = new OffscreenCanvas(width, height);
      canvas.getContext("2d").drawImage(picture, 0, 0, width, height);
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
      if (blob.size <= mostBytes) {
        postMessage({ blob, from: [picture.width, picture.height], to: [width, height] });
        break;
      }
      scale *= STEP;
    }
  } catch {
    postMessage({ blob: null });
  }
};
