package gen

import (
	"fmt"
	"go/types"
)

// An outlive is the result of a method that is in use after the call has
// returned, so that the attempt's context must go on.
type outlive struct {
	what   string // its type, or "" for none
	result int
	life   life
	field  string // of the result, that holds the body
}

// A life says what becomes of the context of an attempt whose result outlives the
// call.
type life int

const (
	open        life = iota // it goes on with the caller's: the timeouts bound the opening
	held                    // the same, but it ends when nobody has the result any more
	cursor                  // the timeouts go on: what was asked for is still to come
	body                    // the operation goes on until the end of the result, an io.ReadCloser
	fieldBody               // the same, of a field of the result
	pointerBody             // the same, through a pointer
)

func (o outlive) describe() string {
	switch o.life {
	case open, held:
		return fmt.Sprintf("a timeout bounds the opening, not the %s", o.what)
	case body:
		return fmt.Sprintf("it ends with the %s", o.what)
	case fieldBody, pointerBody:
		return fmt.Sprintf("it ends with the %s of the %s", o.field, o.what)
	case cursor:
	}
	return fmt.Sprintf("the context lives on for the %s, until the timeout", o.what)
}

// outliveOf finds the result that outlives the call. Type parameters stand for
// what they are instantiated with. Being wrong costs little one way (a context
// that ends later) and much the other (a body that fails half-way), so whatever
// looks like a stream counts.
func outliveOf(results *types.Tuple, args map[*types.TypeParam][]types.Type) outlive {
	var found []outlive
	for i := range results.Len() {
		t := results.At(i).Type()
		if isError(t) {
			continue
		}
		if o := tied(t); o.what != "" {
			o.result = i
			found = append(found, o)
		} else if (&search{args: args}).lives(t, 0) {
			found = append(found, outlive{what: shortest(t), result: i, life: lifeOf(t)})
		} else if (&search{args: args, functions: true}).lives(t, 0) {
			found = append(found, outlive{what: shortest(t), result: i, life: cursor})
		}
	}
	if len(found) == 0 {
		return outlive{}
	}
	if len(found) > 1 { // which of them ends last, nobody knows
		found[0].life = open
	}
	return found[0]
}

// lifeOf tells rows that are still to come, and what is used by its own methods
// alone, from what may go on in other ways.
func lifeOf(t types.Type) life {
	_, isPointer := types.Unalias(t).(*types.Pointer)
	switch {
	case isCursor(t), firstTypeParam(t) == t: // other instances may be plain data
		return cursor
	case (isPointer || types.IsInterface(t)) && looksAlive(t) && !leads(t):
		return held
	}
	return open
}

// isCursor reports whether t has the methods of rows.
func isCursor(t types.Type) bool {
	if fn := methodOf(t, "Scan"); fn != nil && fn.Signature().Variadic() {
		return true
	}
	fn := methodOf(t, "Next")
	return fn != nil && fn.Signature().Params().Len() == 0 && fn.Signature().Results().Len() == 1 && isBool(fn.Signature().Results().At(0).Type())
}

// tied recognises an io.ReadCloser, or a struct with one in a field and nothing
// else that lives on: an *http.Response, an object of an object store.
func tied(t types.Type) outlive {
	if isReadCloser(t) {
		return outlive{what: shortest(t), life: body}
	}
	kind, of := fieldBody, t
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		kind, of = pointerBody, ptr.Elem()
	}
	s, ok := of.Underlying().(*types.Struct)
	if !ok || looksAlive(t) || leads(t) && !isNamed(of, "net/http.Response") {
		return outlive{}
	}
	name := ""
	for field := range s.Fields() {
		switch {
		case !field.Exported():
		case !field.Embedded() && name == "" && isReadCloser(field.Type()):
			name = field.Name()
		case !isNamed(of, "net/http.Response") && (&search{}).lives(field.Type(), 1):
			return outlive{}
		}
	}
	if name == "" {
		return outlive{}
	}
	return outlive{what: shortest(t), life: kind, field: name}
}

func isReadCloser(t types.Type) bool {
	return isNamed(t, "io.ReadCloser")
}

// A search looks through a type for something that is used later.
type search struct {
	args      map[*types.TypeParam][]types.Type
	functions bool // count also where they are but fields
	seen      []types.Type
}

const maxDepth = 3

func (s *search) lives(t types.Type, depth int) bool {
	for _, before := range s.seen {
		if types.Identical(before, t) {
			return false
		}
	}
	if depth > maxDepth || inMemory(t) {
		return false
	}
	s.seen = append(s.seen, t)
	if param, ok := types.Unalias(t).(*types.TypeParam); ok {
		for _, arg := range s.args[param] {
			if s.lives(arg, depth) {
				return true
			}
		}
		return false
	}
	if isContext(t) { // derived from the attempt's
		return true
	}
	if methods := usable(t); anyAlive(methods) || anyLeads(methods, t) {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Chan:
		return true
	case *types.Signature:
		return depth == 0 || s.functions
	case *types.Map:
		return s.lives(u.Elem(), depth+1)
	case interface{ Elem() types.Type }: // pointers, slices, arrays
		return s.lives(u.Elem(), depth+1)
	case *types.Struct:
		for field := range u.Fields() {
			if field.Exported() && s.lives(field.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// signs are methods of what is read, received or committed after the call that
// returned it. Scan takes pointers to many things, as of rows; a database/sql
// Scanner, which is data, takes one value.
var signs = map[string]func(*types.Signature) bool{
	"Close": anySignature, "CloseSend": anySignature, "Stop": noParams, "Cancel": noParams, "Unsubscribe": noParams, "Release": noParams,
	"Recv": anySignature, "RecvMsg": anySignature, "Receive": anySignature, "ResultChan": anySignature,
	"Next": anySignature, "NextPage": anySignature, "Commit": anySignature, "Rollback": anySignature,
	"Read": func(sig *types.Signature) bool { return types.Identical(sig, readSig) },
	"Scan": (*types.Signature).Variadic,
}

func anySignature(*types.Signature) bool { return true }

func noParams(sig *types.Signature) bool { return sig.Params().Len() == 0 }

// looksAlive reports whether t has a method that tells of later use.
func looksAlive(t types.Type) bool {
	return anyAlive(usable(t))
}

// usable lists the methods that can be called on what a method returned.
func usable(t types.Type) *types.MethodSet {
	switch named := types.Unalias(t).(type) {
	case *types.TypeParam:
		return &types.MethodSet{}
	case *types.Named:
		if !types.IsInterface(named) {
			t = types.NewPointer(t)
		}
	}
	return types.NewMethodSet(t)
}

func anyAlive(methods *types.MethodSet) bool {
	for sel := range methods.Methods() {
		fn, ok := sel.Obj().(*types.Func)
		if !ok {
			continue
		}
		if sign := signs[fn.Name()]; sign != nil && sign(fn.Signature()) {
			return true
		}
	}
	return false
}

// leads reports whether t has a method that hands out what is used later, as
// GetStream does: an iterator, a channel, a context, what looks alive itself.
func leads(t types.Type) bool {
	return anyLeads(usable(t), t)
}

func anyLeads(methods *types.MethodSet, t types.Type) bool {
	for sel := range methods.Methods() {
		fn, ok := sel.Obj().(*types.Func)
		if !ok || !fn.Exported() || fn.Signature().Params().Len() > 0 {
			continue
		}
		results := fn.Signature().Results()
		if n := results.Len(); n == 1 || n == 2 && isError(results.At(1).Type()) {
			if r := results.At(0).Type(); isContext(r) || isSequence(r) || isChannel(r) || !inMemory(r) && !types.Identical(r, t) && looksAlive(r) {
				return true
			}
		}
	}
	return false
}

// isChannel reports whether t is a channel of more than signals.
func isChannel(t types.Type) bool {
	c, ok := t.Underlying().(*types.Chan)
	return ok && !isSignal(c)
}

func isSignal(c *types.Chan) bool {
	s, ok := c.Elem().Underlying().(*types.Struct)
	return ok && s.NumFields() == 0
}

// inMemory lists types that only look like streams.
func inMemory(t types.Type) bool {
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		t = ptr.Elem()
	}
	for _, name := range []string{"bytes.Buffer", "bytes.Reader", "strings.Reader", "time.Timer", "time.Ticker", "container/list.Element"} {
		if isNamed(t, name) {
			return true
		}
	}
	return false
}
