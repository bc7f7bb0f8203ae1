// Plays a browser for web/sign-in.js: one tab's storage and address, from the JSON in argv; tells what became of them.

const { module, does, at, search, kept } = JSON.parse(process.argv[2]);
const storage = new Map(Object.entries(kept));
const told = { went: null, address: null };

globalThis.sessionStorage = {
  getItem: (name) => storage.get(name) ?? null,
  setItem: (name, value) => storage.set(name, value),
  removeItem: (name) => storage.delete(name),
};
globalThis.location = { origin: "https://page.example.com", pathname: "/", search, assign: (url) => { told.went = url; } };
globalThis.history = { replaceState: (_state, _title, address) => { told.address = address; } };

const { [does]: act } = await import(module);
try {
  told.gave = await act(at);
} catch (error) {
  Object.assign(told, { code: error.code, message: error.message });
}
console.log(JSON.stringify({ ...told, kept: Object.fromEntries(storage) }));
