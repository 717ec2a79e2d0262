package gen

import (
	"fmt"
	"go/types"
	"strings"
)

// A report is how a method says that it failed.
type report int

const (
	byError   report = iota // its last result
	byCommand               // the Err of its only result, a command of go-redis or the like
	byRow                   // the Scan of its only result, a pgx.Row or the like
	byNothing
)

// reportOf tells by its results how a method says that it failed.
func reportOf(sig *types.Signature) report {
	results := sig.Results()
	switch n := results.Len(); {
	case n > 0 && isError(results.At(n-1).Type()):
		return byError
	case n == 1 && isCommand(results.At(0).Type()):
		return byCommand
	case n == 1 && scanOf(results.At(0).Type()) != nil:
		return byRow
	}
	return byNothing
}

// isCommand reports whether t is a pointer to a struct that carries an error,
// which can be read and set.
func isCommand(t types.Type) bool {
	ptr, ok := types.Unalias(t).(*types.Pointer)
	if !ok {
		return false
	}
	if _, ok := ptr.Elem().Underlying().(*types.Struct); !ok {
		return false
	}
	get, set := methodOf(t, "Err"), methodOf(t, "SetErr")
	return get != nil && types.Identical(get.Signature(), signature(nil, []types.Type{errorType})) &&
		set != nil && types.Identical(set.Signature(), signature([]types.Type{errorType}, nil))
}

// scanOf is the one method of an interface that t is, if that is a Scan which
// returns an error.
func scanOf(t types.Type) *types.Func {
	iface, ok := t.Underlying().(*types.Interface)
	if _, isParam := types.Unalias(t).(*types.TypeParam); !ok || isParam || iface.NumMethods() != 1 || iface.Method(0).Name() != "Scan" {
		return nil
	}
	results := iface.Method(0).Signature().Results()
	if results.Len() != 1 || !isError(results.At(0).Type()) {
		return nil
	}
	return iface.Method(0)
}

// command writes the rest of a method that returns a command: the policy's error
// is the command's, which there is none of where no attempt was made.
func (w *writer) command(m *method, result, err string) {
	elem := types.Unalias(m.sig.Results().At(0).Type()).(*types.Pointer).Elem()
	w.linef("if %s != nil {", err)
	w.linef("if %s == nil {\n%[1]s = new(%s)\n}", result, w.types.typ(elem))
	w.linef("%s.SetErr(%s)", result, err)
	w.linef("}")
}

// row writes the rest of a method that returns a row, which asks nothing yet, and
// the row that does when it is scanned.
func (w *writer) row(p *proxy, self string, m *method, v variables, pipeline, next string) {
	args := strings.TrimPrefix(self, p.typeName) // of a generic proxy
	values := []string{"p"}
	for _, arg := range v.args {
		values = append(values, strings.TrimSuffix(arg, "..."))
	}
	w.linef("return &%s%s{%s, nil}\n}\n", m.row, args, strings.Join(values, ", "))

	fields := newScope(nil, "p", "row", "Scan")
	inner := v
	inner.args = nil
	w.linef("// %s asks when it is scanned.", m.row)
	w.linef("type %s%s struct {", m.row, w.params)
	w.linef("p *%s", self)
	for i, arg := range v.args {
		name, spread := strings.CutSuffix(arg, "...")
		name = fields.name(name)
		w.linef("%s %s", name, w.types.typ(m.sig.Params().At(i).Type()))
		if spread {
			name += "..."
		}
		inner.args = append(inner.args, "r."+name)
	}
	w.linef("row %s", w.types.typ(m.sig.Results().At(0).Type()))
	w.linef("}\n")

	scan := method{sig: scanOf(m.sig.Results().At(0).Type()).Signature()}
	sv := w.variables(&scan, "r")
	err := sv.names[0]
	w.linef("// Scan asks, the first time.")
	w.linef("func (r *%s%s) Scan(%s) (%s error) {", m.row, args, strings.Join(sv.declared, ", "), err)
	w.linef("if r.row != nil {\nreturn r.row.Scan(%s)\n}", strings.Join(sv.args, ", "))
	w.loop(m, inner, "r."+pipeline, "r."+next, "", err, func(call string) {
		w.linef("r.row = %s", call)
		w.linef("%s = r.row.Scan(%s)", err, strings.Join(sv.args, ", "))
	})
	w.linef("return %s\n}\n", err)
}

// describeReport says where the error is found, if it is no result.
func (m *method) describeReport() string {
	switch m.report {
	case byCommand:
		return fmt.Sprintf("; judged by the Err of the %s", shortest(m.sig.Results().At(0).Type()))
	case byRow:
		return fmt.Sprintf("; asked when the %s is scanned", shortest(m.sig.Results().At(0).Type()))
	case byError, byNothing:
	}
	return ""
}

// nameRows gives the types of the rows that the methods return names.
func (p *proxy) nameRows(file *scope) {
	for i := range p.methods {
		if m := &p.methods[i]; m.report == byRow && m.guard != unguarded {
			m.row = file.name(p.typeName + upperFirst(m.name) + "Row")
		}
	}
	for _, part := range p.offers.parts {
		part.nameRows(file)
	}
}

// rows are the names of these types.
func (p *proxy) rows() []string {
	var names []string
	for _, m := range p.methods {
		if m.row != "" {
			names = append(names, m.row)
		}
	}
	for _, part := range p.offers.parts {
		names = append(names, part.rows()...)
	}
	return names
}
