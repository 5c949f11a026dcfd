// Written for the emulator: the library of elements that the web component asks for. The emulator's screens need none of them.
globalThis.DescopeUI = { componentsThemeManager: { themes: {}, currentThemeName: 'light' } };
