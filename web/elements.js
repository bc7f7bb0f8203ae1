// Elements made and found; text is always text, never markup.

export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// What a screen reader is told; a person sees it where it happened.
export function say(text) {
  find("said").textContent = text;
}

export function copyButton(what, text) {
  const button = make("button", { type: "button", className: "quiet", textContent: `Copy ${what}` });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    say(`Copied ${what}.`);
    setTimeout(() => { button.textContent = `Copy ${what}`; }, 2000);
  });
  return button;
}
