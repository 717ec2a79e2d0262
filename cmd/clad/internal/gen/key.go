package gen

import (
	"fmt"
	"go/types"

	"github.com/cladgo/clad/internal/suggest"
)

// A key is the parameter of a method that says of which partition a call is.
type key struct {
	param int
	name  string
	kind  keyKind
}

type keyKind int

const (
	textKey     keyKind = iota + 1 // a string, or of a type that is one
	signedKey                      // an integer
	unsignedKey                    // one without a sign
	writtenKey                     // a value that writes itself: a UUID
)

// keyOf finds the key that a comment names, and says what is wrong with it otherwise.
func (m *method) keyOf(c comment) (*key, string) {
	directive := "//clad:key " + c.key
	if m.guard == unguarded {
		return nil, fmt.Sprintf("%s does nothing: %s is passed through, since %s", directive, m.name, m.why)
	}
	k := &key{param: paramOf(m.sig, c.key), name: c.key}
	if k.param < 0 {
		names := paramsOf(m.sig)
		if len(names) == 0 {
			return nil, fmt.Sprintf("%s: the parameters of %s have no names", directive, m.name)
		}
		return nil, fmt.Sprintf("%s: %s has no parameter of that name%s; there are: %s", directive, m.name, suggest.DidYouMean(c.key, names), suggest.Few(names))
	}
	t := m.sig.Params().At(k.param).Type()
	if k.kind = keyKindOf(t); k.kind == 0 {
		return nil, fmt.Sprintf("%s: a key is a string, an integer, or a value with a method String() string, as a UUID; %s is a %s", directive, c.key, shortest(t))
	}
	return k, ""
}

func keyKindOf(t types.Type) keyKind {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return 0
	}
	if basic, ok := t.Underlying().(*types.Basic); ok {
		switch info := basic.Info(); {
		case info&types.IsString != 0:
			return textKey
		case info&types.IsUnsigned != 0:
			return unsignedKey
		case info&types.IsInteger != 0:
			return signedKey
		}
		return 0
	}
	if isValue(t) && writes(t) {
		return writtenKey
	}
	return 0
}

// writes reports whether values of a type have a method String() string.
func writes(t types.Type) bool {
	obj, _, indirect := types.LookupFieldOrMethod(t, false, nil, "String")
	fn, ok := obj.(*types.Func)
	return ok && !indirect && types.Identical(fn.Signature(), signature(nil, []types.Type{types.Typ[types.String]}))
}

// paramOf finds a parameter by its name, or returns -1.
func paramOf(sig *types.Signature, name string) int {
	for i := range sig.Params().Len() {
		if sig.Params().At(i).Name() == name && name != "_" {
			return i
		}
	}
	return -1
}

// paramsOf lists the names of parameters.
func paramsOf(sig *types.Signature) (names []string) {
	for param := range sig.Params().Variables() {
		if name := param.Name(); name != "" && name != "_" {
			names = append(names, name)
		}
	}
	return names
}

// formats reports whether a key is written by package strconv.
func (k *key) formats() bool { return k != nil && (k.kind == signedKey || k.kind == unsignedKey) }

// partition writes of which partition a call is.
func (w *writer) partition(m *method, v variables) {
	if m.key == nil {
		return
	}
	as := func(kind types.BasicKind) string {
		arg, t := v.args[m.key.param], types.Typ[kind]
		if types.Identical(m.sig.Params().At(m.key.param).Type(), t) {
			return arg
		}
		return w.types.typ(t) + "(" + arg + ")"
	}
	const format = "%s.Format%s(%s, 10)"
	var text string
	switch m.key.kind {
	case textKey:
		text = as(types.String)
	case signedKey:
		text = fmt.Sprintf(format, w.imports.names["strconv"], "Int", as(types.Int64))
	case unsignedKey:
		text = fmt.Sprintf(format, w.imports.names["strconv"], "Uint", as(types.Uint64))
	case writtenKey:
		text = v.args[m.key.param] + ".String()"
	}
	w.linef("call.Partition(%s)", text)
}
