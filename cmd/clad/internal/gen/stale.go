package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/verbs"
)

// keeps reports whether the last good answers of a method may serve again: it reads,
// its answers can be told apart by its arguments, and they are no more than values.
func (m *method) keeps() bool {
	results := m.sig.Results()
	if m.guard != guarded || m.report != byError || results.Len() < 2 || m.once != "" || m.single != "" || m.input.open() || m.outlive.what != "" {
		return false
	}
	if !verbs.Reads(m.name) && (!m.safe || verbs.Changes(m.name)) {
		return false
	}
	for i := range m.sig.Params().Len() {
		if t := m.sig.Params().At(i).Type(); i != m.context.param && !isPlain(t, nil) {
			return false
		}
	}
	for i := range results.Len() - 1 {
		if !isAnswer(results.At(i).Type()) {
			return false
		}
	}
	return m.context.kind == standardContext && !m.sig.Variadic()
}

// isPlain reports whether values of a type that are equal by == mean the same.
func isPlain(t types.Type, within []types.Type) bool {
	if isNamed(t, "time.Time") {
		return true
	}
	if slices.ContainsFunc(within, func(other types.Type) bool { return types.Identical(t, other) }) {
		return false
	}
	within = append(within, t)
	switch u := types.Unalias(t).Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.UnsafePointer
	case *types.Array:
		return isPlain(u.Elem(), within)
	case *types.Struct:
		for field := range u.Fields() {
			if !isPlain(field.Type(), within) {
				return false
			}
		}
		return true
	}
	return false
}

// isAnswer reports whether a result can be given again: no channel, no function, and
// nothing that is read or closed.
func isAnswer(t types.Type) bool {
	switch types.Unalias(t).Underlying().(type) {
	case *types.Chan, *types.Signature:
		return false
	}
	if _, isParam := types.Unalias(t).(*types.TypeParam); isParam {
		return true
	}
	for selection := range types.NewMethodSet(t).Methods() {
		if slices.Contains([]string{"Close", "Next", "Read", "Recv", "Scan"}, selection.Obj().Name()) {
			return false
		}
	}
	return true
}

// ask writes what a call asks, by which its answers are kept.
func (w *writer) ask(m *method, v variables) {
	if !m.keeps() {
		return
	}
	var declared, values []string
	for i := range m.sig.Params().Len() {
		if i != m.context.param {
			declared = append(declared, fmt.Sprintf("p%d %s", i, w.types.typ(m.sig.Params().At(i).Type())))
			values = append(values, v.args[i])
		}
	}
	key := "struct{}{}"
	switch len(values) {
	case 0:
	case 1:
		key = values[0]
	default:
		key = fmt.Sprintf("struct{%s}{%s}", strings.Join(declared, "; "), strings.Join(values, ", "))
	}
	w.linef("if call.Keeps() {\ncall.Key(%s)\n}", key)
}

// lastGood writes which answer to give.
func (w *writer) lastGood(m *method, v variables) {
	if !m.keeps() {
		return
	}
	n := len(v.names) - 1
	w.linef("if %s == nil && call.Keeps() {", v.names[n])
	lastGood := w.imports.names[containerPath] + ".LastGood"
	if n == 1 {
		w.linef("%s = %s(&call, %[1]s)\n}", v.names[0], lastGood)
		return
	}
	var declared, fields []string
	for i := range n {
		declared = append(declared, fmt.Sprintf("r%d %s", i, w.types.typ(m.sig.Results().At(i).Type())))
		fields = append(fields, fmt.Sprintf("last.r%d", i))
	}
	results := strings.Join(v.names[:n], ", ")
	w.linef("last := %s(&call, struct{%s}{%s})", lastGood, strings.Join(declared, "; "), results)
	w.linef("%s = %s\n}", results, strings.Join(fields, ", "))
}
