package gen

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// An input is what the attempts of a method read of their arguments, so that
// another attempt would not see what the first one saw. Package container judges
// by the same rules where only values tell (ReadOnce).
type input struct {
	reads   []fieldPath // readers, which may be set back
	checks  []fieldPath // what may hold something, looked through after a failed attempt
	request int         // an *http.Request, or -1
	single  string      // why there is no other attempt, if so
	replays string      // the same, unless the method is safe to repeat
}

// A fieldPath leads from a parameter to a field of it.
type fieldPath struct {
	param  int
	fields []string
	nils   []int // after how many fields there is a pointer on the way
	typ    types.Type
	value  bool // of a type whose pointer is what reads
	around []types.Type
}

// through is the path to a field.
func (p fieldPath) through(f *types.Var) fieldPath {
	next := fieldPath{param: p.param, fields: append(append([]string(nil), p.fields...), f.Name()), nils: p.nils, typ: f.Type(), around: append(slices.Clone(p.around), p.typ)}
	if _, ok := p.typ.Underlying().(*types.Pointer); ok {
		next.nils = append(append([]int(nil), p.nils...), len(p.fields))
	}
	return next
}

// expr writes the path, from the parameter of that name.
func (p fieldPath) expr(param string) string {
	expr := strings.Join(append([]string{param}, p.fields...), ".")
	if p.value {
		return "&" + expr
	}
	return expr
}

// condition writes that no pointer on the way is nil, or "".
func (p fieldPath) condition(param string) string {
	var parts []string
	for _, n := range p.nils {
		parts = append(parts, strings.Join(append([]string{param}, p.fields[:n]...), ".")+" != nil")
	}
	return strings.Join(parts, " && ")
}

const maxFields = 3 // that a fieldPath may go through

// inputs finds what attempts read of them. Type parameters stand
// for what they are instantiated with.
type inputs struct {
	input
	args     map[*types.TypeParam][]types.Type
	standard func(*types.Package) bool // whether a package is of the standard library
}

// of looks at the parameters of a method.
func (in *inputs) of(sig *types.Signature, context carrier) input {
	in.request = -1
	for i := range sig.Params().Len() {
		t := sig.Params().At(i).Type()
		switch {
		case isContext(t), i == context.param && context.kind == customContext:
		case isRequest(t) && i == context.param:
			in.request = i
		case sig.Variadic() && i == sig.Params().Len()-1:
			if in.may(t) {
				in.checks = append(in.checks, fieldPath{param: i, typ: t})
			}
		default:
			in.look(fieldPath{param: i, typ: t})
		}
	}
	return in.input
}

// look sorts a parameter, or a field, by how an attempt uses it up.
func (in *inputs) look(p fieldPath) {
	t := p.typ
	_, isFunc := t.Underlying().(*types.Signature)
	_, isStruct := t.Underlying().(*types.Struct)
	_, isParam := types.Unalias(t).(*types.TypeParam)
	switch {
	case isParam:
		if in.may(t) {
			in.checks = append(in.checks, p)
		}
	case isHandle(t):
		in.checks = append(in.checks, p)
	case isStruct:
		in.structure(p)
	case readsFrom(t):
		if len(p.fields) == 0 && !types.IsInterface(t) && methodOf(t, "Seek") == nil {
			in.single = fmt.Sprintf("its %s is used up", shortest(t))
		}
		in.reads = append(in.reads, p)
	case isSequence(t):
		in.replays = fmt.Sprintf("its %s may not begin anew", shortest(t))
	case isUsedUp(t):
		in.single = fmt.Sprintf("its %s is used up", shortest(t))
	case isFunc && len(p.fields) == 0 && !opens(t):
		in.replays = "its function would be called again"
	default:
		in.structure(p)
	}
}

// structure looks at the fields of a struct, and otherwise leaves it to the value
// to tell what is in it.
func (in *inputs) structure(p fieldPath) {
	of := p.typ
	ptr, isPointer := of.Underlying().(*types.Pointer)
	if isPointer {
		of = ptr.Elem()
	}
	s, isStruct := of.Underlying().(*types.Struct)
	switch {
	case isStruct && !isPointer && readsFrom(of):
		if hasMethod(of, "Read") { // its copies share what they read from
			in.checks = append(in.checks, p)
		} else if p.value = len(p.nils) > 0; p.value { // a copy is read once by each attempt
			in.reads = append(in.reads, p)
		}
	case !in.may(of):
	case !isStruct || len(p.fields) == maxFields || in.hides(s) || contains(p.around, p.typ):
		in.checks = append(in.checks, p)
	default:
		for field := range s.Fields() {
			if field.Exported() && (!in.isStandard(of) || readsFrom(field.Type())) {
				in.look(p.through(field))
			}
		}
	}
}

// isStandard reports whether t is declared in the standard library. Of structs
// there only the fields that read count: what else they hold is machinery.
func (in *inputs) isStandard(t types.Type) bool {
	pkg := packageOf(t)
	return pkg != nil && in.standard != nil && in.standard(pkg)
}

// hides reports whether a struct may hold a reader where code elsewhere can't
// see it.
func (in *inputs) hides(s *types.Struct) bool {
	for field := range s.Fields() {
		if t := field.Type(); !field.Exported() && (readsFrom(t) || isHandle(t) || field.Embedded() && in.may(t)) {
			return true
		}
	}
	return false
}

// may reports whether values of a type can hold something that is used up.
func (in *inputs) may(t types.Type) bool { return in.mayHold(t, nil) }

func (in *inputs) mayHold(t types.Type, around []types.Type) bool {
	if contains(around, t) {
		return false
	}
	around = append(around, t)
	if param, ok := types.Unalias(t).(*types.TypeParam); ok {
		for _, arg := range in.args[param] {
			if in.mayHold(arg, around) {
				return true
			}
		}
		return false
	}
	if isContext(t) || isNamed(t, "crypto/tls.Config") { // its Rand is no input
		return false
	}
	if readsFrom(t) || isUsedUp(t) || isSequence(t) || isHandle(t) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		return u.NumMethods() == 0 && u.IsMethodSet()
	case *types.Chan:
		return false
	case *types.Struct:
		for field := range u.Fields() {
			switch {
			case readsFrom(field.Type()), isHandle(field.Type()) && !in.isStandard(t):
				return true
			case in.isStandard(t), !field.Exported() && !field.Embedded():
			case in.mayHold(field.Type(), around):
				return true
			}
		}
	case interface{ Elem() types.Type }: // pointers, slices, arrays, maps
		return in.mayHold(u.Elem(), around)
	}
	return false
}

func contains(list []types.Type, t types.Type) bool {
	return slices.ContainsFunc(list, func(other types.Type) bool { return types.Identical(t, other) })
}

// readsFrom reports whether t has io.Reader's method, or a pointer to it.
func readsFrom(t types.Type) bool {
	fn := methodOf(t, "Read")
	return fn != nil && types.Identical(fn.Signature(), readSig)
}

// isUsedUp reports whether what is given as a t is received from, or asked for
// the next element until there is none: a cursor, as pgx.CopyFromSource is one.
func isUsedUp(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Chan:
		return u.Dir() != types.SendOnly && !isSignal(u) // which is closed, not received from
	case *types.Signature: // func() (T, bool), as of iter.Pull
		results := u.Results()
		return u.Params().Len() == 0 && results.Len() > 1 && isBool(results.At(results.Len()-1).Type())
	}
	fn := methodOf(t, "Next")
	if fn == nil || fn.Signature().Results().Len() == 0 {
		return false
	}
	last := fn.Signature().Results().At(fn.Signature().Results().Len() - 1).Type()
	return isBool(last) || isError(last)
}

// isHandle reports whether what is done with a t may be part of a transaction.
func isHandle(t types.Type) bool { return isTransaction(t) || isDatabase(t) }

// isTransaction reports whether what is done with a t is part of a transaction, by
// the rule of package signature.
func isTransaction(t types.Type) bool {
	for _, name := range []string{"Commit", "Rollback"} {
		fn := methodOf(t, name)
		if fn == nil || fn.Signature().Params().Len() > 1 || fn.Signature().Results().Len() == 0 {
			return false
		}
	}
	return true
}

// isDatabase reports whether t is an interface that a database and its
// transactions both have, as sqlc's DBTX is one.
func isDatabase(t types.Type) bool {
	if !types.IsInterface(t) {
		return false
	}
	for _, name := range []string{"Exec", "ExecContext", "Query", "QueryContext", "QueryRow", "QueryRowContext"} {
		if methodOf(t, name) != nil {
			return true
		}
	}
	return false
}

// isSequence reports whether t is an iter.Seq or Seq2.
func isSequence(t types.Type) bool {
	sig, ok := t.Underlying().(*types.Signature)
	if !ok || sig.Params().Len() != 1 || sig.Results().Len() != 0 {
		return false
	}
	yield, ok := sig.Params().At(0).Type().Underlying().(*types.Signature)
	return ok && yield.Params().Len() <= 2 && yield.Results().Len() == 1 && isBool(yield.Results().At(0).Type())
}

// opens reports whether t is a function that opens something to read, each time
// anew.
func opens(t types.Type) bool {
	sig, ok := t.Underlying().(*types.Signature)
	return ok && sig.Params().Len() == 0 && sig.Results().Len() > 0 && readsFrom(sig.Results().At(0).Type())
}

func isBool(t types.Type) bool { return types.Identical(t, types.Typ[types.Bool]) }

// methodOf finds a method of t, or of a pointer to it.
func methodOf(t types.Type, name string) *types.Func {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return nil
	}
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
	fn, _ := obj.(*types.Func)
	return fn
}

// open reports whether values tell if there can be another attempt.
func (in *input) open() bool { return len(in.reads)+len(in.checks) > 0 || in.request >= 0 }

// hasMethod reports whether values of t themselves have a method.
func hasMethod(t types.Type, name string) bool {
	obj, _, indirect := types.LookupFieldOrMethod(t, false, nil, name)
	_, ok := obj.(*types.Func)
	return ok && !indirect
}

// describe says in the file's head what becomes of further attempts, or "".
func (in *input) describe(sig *types.Signature) string {
	name := func(p fieldPath) string {
		param := sig.Params().At(p.param).Name()
		if param == "" || param == "_" {
			param = shortest(sig.Params().At(p.param).Type())
		}
		return strings.TrimPrefix(p.expr(param), "&")
	}
	var parts []string
	for _, p := range in.reads {
		parts = append(parts, name(p)+" can be set back")
	}
	var open, handles []string
	for _, p := range in.checks {
		if isHandle(p.typ) {
			handles = append(handles, name(p))
		} else {
			open = append(open, name(p))
		}
	}
	if len(open) > 0 {
		parts = append(parts, "nothing in "+strings.Join(open, ", ")+" is used up")
	}
	if len(handles) > 0 {
		parts = append(parts, strings.Join(handles, ", ")+" is no transaction")
	}
	if in.request >= 0 {
		parts = append(parts, "the request's body can be had again")
	}
	if len(parts) == 0 {
		return ""
	}
	return "another attempt only if " + strings.Join(parts, " and ")
}
