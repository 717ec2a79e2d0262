package gen

import (
	"fmt"
	"go/types"
	"strings"
)

// hedges reports whether attempts of a method may be made side by side: it is safe
// to repeat, hears of its end, is given values alone, which an attempt that is
// overtaken may go on to read, and returns nothing that needs its context still.
func (m *method) hedges() bool {
	if !m.safe || m.guard != guarded || m.single != "" || m.report != byError || m.outlive.what != "" ||
		m.context.kind != standardContext || m.context.param < 0 || m.opens() || m.input.open() {
		return false
	}
	for i := range m.sig.Params().Len() {
		if i != m.context.param && !isValue(m.sig.Params().At(i).Type()) {
			return false
		}
	}
	return true
}

// isValue reports whether t holds no memory that others may change.
func isValue(t types.Type) bool {
	if isNamed(t, "time.Time") {
		return true
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.UnsafePointer
	case *types.Array:
		return isValue(u.Elem())
	case *types.Struct:
		for field := range u.Fields() {
			if !isValue(field.Type()) {
				return false
			}
		}
		return true
	}
	return false
}

// hedge writes an attempt beside which others may be made.
func (w *writer) hedge(m *method, v variables, next string) {
	container := w.imports.names[containerPath]
	ctx := v.args[m.context.param] + " " + w.types.typ(m.sig.Params().At(m.context.param).Type())
	call := fmt.Sprintf("%s(%s)", next, strings.Join(v.args, ", "))
	results := m.sig.Results()
	w.linef("if hedged := call.Hedge(); hedged != nil {")
	switch results.Len() {
	case 1:
		w.linef("_, %s = %s.Hedged(hedged, func(%s) (struct{}, error) { return struct{}{}, %s })", v.names[0], container, ctx, call)
	case 2:
		w.linef("%s = %s.Hedged(hedged, func(%s) (%s, error) { return %s })",
			strings.Join(v.names, ", "), container, ctx, w.types.typ(results.At(0).Type()), call)
	default:
		var fields, to, from []string
		for i := range results.Len() - 1 {
			fields = append(fields, fmt.Sprintf("V%d %s", i, w.types.typ(results.At(i).Type())))
			to, from = append(to, fmt.Sprintf("won.V%d", i)), append(from, fmt.Sprintf("won.V%d", i))
		}
		err := v.names[results.Len()-1]
		// On lines of their own: gofmt would need a second pass to leave it alone.
		w.linef("won, failed := %s.Hedged(hedged, func(%s) (won struct {\n%s\n}, failed error) {", container, ctx, strings.Join(fields, "\n"))
		w.linef("%s, failed = %s", strings.Join(to, ", "), call)
		w.linef("return won, failed\n})")
		w.linef("%s, %s = %s, failed", strings.Join(v.names[:len(v.names)-1], ", "), err, strings.Join(from, ", "))
	}
	w.linef("continue\n}")
}
