package gen

import (
	"fmt"
	"go/types"
	"strconv"
	"strings"
)

// A typeWriter writes types as the generated file names them. What it is given
// has passed viewpoint.check.
type typeWriter struct {
	view    *viewpoint
	imports *imports
	params  map[*types.TypeParam]string // names of type parameters here
}

func (w *typeWriter) typ(t types.Type) string {
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return w.imports.names["unsafe"] + ".Pointer"
		}
		return t.Name()
	case *types.TypeParam:
		if name := w.params[t]; name != "" {
			return name
		}
		return t.Obj().Name()
	case *types.Alias, *types.Named:
		return w.named(t)
	case *types.Pointer:
		return "*" + w.typ(t.Elem())
	case *types.Slice:
		return "[]" + w.typ(t.Elem())
	case *types.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), w.typ(t.Elem()))
	case *types.Map:
		return fmt.Sprintf("map[%s]%s", w.typ(t.Key()), w.typ(t.Elem()))
	case *types.Chan:
		return w.channel(t)
	case *types.Signature:
		return "func" + w.signature(t)
	case *types.Struct:
		return w.structure(t)
	case *types.Interface:
		return w.iface(t)
	case *types.Union:
		return w.union(t)
	}
	panic(fmt.Sprintf("clad gen: no way to write a %T", t))
}

func (w *typeWriter) named(t types.Type) string {
	obj, _ := w.view.name(t)
	if obj == nil {
		return w.typ(types.Unalias(t))
	}
	name := obj.Name()
	if pkg := obj.Pkg(); pkg != nil && !w.view.own(pkg) {
		name = w.imports.names[pkg.Path()] + "." + name
	}
	return name + w.list(typeArgs(t))
}

func (w *typeWriter) list(args *types.TypeList) string {
	if args.Len() == 0 {
		return ""
	}
	var parts []string
	for t := range args.Types() {
		parts = append(parts, w.typ(t))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (w *typeWriter) channel(t *types.Chan) string {
	elem := w.typ(t.Elem())
	switch t.Dir() {
	case types.SendOnly:
		return "chan<- " + elem
	case types.RecvOnly:
		return "<-chan " + elem
	case types.SendRecv:
	}
	if inner, ok := t.Elem().(*types.Chan); ok && inner.Dir() == types.RecvOnly {
		elem = "(" + elem + ")"
	}
	return "chan " + elem
}

// signature writes parameters and results without their names.
func (w *typeWriter) signature(sig *types.Signature) string {
	var params, results []string
	for i := range sig.Params().Len() {
		params = append(params, w.param(sig, i))
	}
	for v := range sig.Results().Variables() {
		results = append(results, w.typ(v.Type()))
	}
	text := "(" + strings.Join(params, ", ") + ")"
	switch len(results) {
	case 0:
		return text
	case 1:
		return text + " " + results[0]
	}
	return text + " (" + strings.Join(results, ", ") + ")"
}

func (w *typeWriter) param(sig *types.Signature, i int) string {
	t := sig.Params().At(i).Type()
	if sig.Variadic() && i == sig.Params().Len()-1 {
		if s, ok := t.(*types.Slice); ok {
			return "..." + w.typ(s.Elem())
		}
	}
	return w.typ(t)
}

func (w *typeWriter) structure(t *types.Struct) string {
	var fields []string
	for i := range t.NumFields() {
		f := t.Field(i)
		text := w.typ(f.Type())
		if !f.Embedded() {
			text = f.Name() + " " + text
		}
		if tag := t.Tag(i); tag != "" {
			if strconv.CanBackquote(tag) {
				text += " `" + tag + "`"
			} else {
				text += " " + strconv.Quote(tag)
			}
		}
		fields = append(fields, text)
	}
	return "struct{" + strings.Join(fields, "; ") + "}"
}

func (w *typeWriter) iface(t *types.Interface) string {
	var parts []string
	for m := range t.ExplicitMethods() {
		parts = append(parts, m.Name()+w.signature(m.Signature()))
	}
	for e := range t.EmbeddedTypes() {
		parts = append(parts, w.typ(e))
	}
	if t.IsImplicit() && len(parts) == 1 {
		return parts[0] // a constraint without the word
	}
	return "interface{" + strings.Join(parts, "; ") + "}"
}

func (w *typeWriter) union(t *types.Union) string {
	var terms []string
	for term := range t.Terms() {
		text := w.typ(term.Type())
		if term.Tilde() {
			text = "~" + text
		}
		terms = append(terms, text)
	}
	return strings.Join(terms, " | ")
}
