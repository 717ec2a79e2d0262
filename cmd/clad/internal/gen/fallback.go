package gen

// fallsBack reports whether a method can be asked of a fallback: one of the interface,
// whose failure is seen before it returns.
func (m *method) fallsBack() bool {
	return m.guard != unguarded && !m.offered && (m.report == byError || m.report == byCommand)
}

// fallbacks writes what the methods of a proxy fall back on.
func (w *writer) fallbacks(p *proxy, fields fieldNames, iface string) {
	container := w.imports.names[containerPath]
	w.linef("if f, ok := %s.FallbackOf[%s](m); ok {", container, iface)
	for i, m := range p.methods {
		if m.fallsBack() {
			w.linef("p.%s = f.%s", fields.instead[i], m.name)
		}
	}
	w.linef("}")
	for i, m := range p.methods {
		if m.fallsBack() {
			w.linef("m.Fallback(%q, &p.%s)", m.name, fields.instead[i])
		}
	}
}
