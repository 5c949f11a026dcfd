// Written for the emulator: the library of elements that the web component asks for, as far as the emulator's screens need it.
globalThis.DescopeUI = {
  componentsThemeManager: { themes: {}, currentThemeName: 'light' },
  'descope-button': () => {
    if (customElements.get('descope-button')) return;
    customElements.define('descope-button', class extends HTMLElement {
      connectedCallback() {
        this.addEventListener('keydown', (event) => {
          if (event.key !== ' ' && event.key !== 'Enter') return;
          event.preventDefault();
          event.stopPropagation();
          this.click();
        });
      }
    });
  },
};
