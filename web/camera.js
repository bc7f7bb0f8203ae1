// A picture from the camera, in a dialog; the camera is off again when it closes.

import { Refused } from "./api.js";
import { find } from "./elements.js";

export async function openCamera(take) {
  const dialog = find("shot");
  const video = dialog.querySelector("video");
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).catch(() => {
    throw new Refused(0, "CAMERA_UNAVAILABLE", "This browser gives no camera. Allow it for this page, end what else uses it, or choose a file.");
  });
  const button = find("take");
  button.disabled = true; // until there is something to take
  video.onplaying = () => { button.disabled = false; button.focus(); };
  button.onclick = () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 }).then((blob) => {
      dialog.close();
      take(new File([blob], "camera.jpg", { type: "image/jpeg" }));
    });
  };
  find("close").onclick = () => dialog.close();
  dialog.addEventListener("close", () => stream.getTracks().forEach((track) => track.stop()), { once: true });
  video.srcObject = stream;
  dialog.showModal();
}
