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
	tie    tie
	field  string // for tieField
}

// A tie is what ends the context of an attempt whose result outlives the call.
type tie int

const (
	tieNothing tie = iota // the policy's timeout, or the caller
	tieCloser             // Close of the result, an io.ReadCloser
	tieField              // Close of a field of the result: the body of a response
	tiePointer            // the same, through a pointer
)

func (o outlive) describe() string {
	switch o.tie {
	case tieCloser:
		return fmt.Sprintf("the context lives until the %s is closed", o.what)
	case tieField, tiePointer:
		return fmt.Sprintf("the context lives until the %s of the %s is closed", o.field, o.what)
	case tieNothing:
	}
	return fmt.Sprintf("the context lives on for the %s, until the timeout", o.what)
}

// outliveOf finds the result that outlives the call. Type parameters stand for
// what they are instantiated with. Being wrong costs little one way (a context
// that ends with the timeout, not with the call) and much the other (a body that
// fails half-way), so whatever looks like a stream counts.
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
		} else if s := (search{args: args}); s.lives(t, 0) {
			found = append(found, outlive{what: shortest(t), result: i})
		}
	}
	if len(found) == 0 {
		return outlive{}
	}
	if len(found) > 1 { // which of them ends last, nobody knows
		found[0].tie = tieNothing
	}
	return found[0]
}

// tied recognises an io.ReadCloser, or a struct with one in a field and nothing
// else that lives on: an *http.Response, an object of an object store.
func tied(t types.Type) outlive {
	if isReadCloser(t) {
		return outlive{what: shortest(t), tie: tieCloser}
	}
	kind, of := tieField, t
	if ptr, ok := types.Unalias(t).(*types.Pointer); ok {
		kind, of = tiePointer, ptr.Elem()
	}
	s, ok := of.Underlying().(*types.Struct)
	if !ok || looksAlive(t) {
		return outlive{}
	}
	body := ""
	for field := range s.Fields() {
		switch {
		case !field.Exported():
		case !field.Embedded() && body == "" && isReadCloser(field.Type()):
			body = field.Name()
		case !isNamed(of, "net/http.Response") && (&search{}).lives(field.Type(), 1):
			return outlive{}
		}
	}
	if body == "" {
		return outlive{}
	}
	return outlive{what: shortest(t), tie: kind, field: body}
}

func isReadCloser(t types.Type) bool {
	return isNamed(t, "io.ReadCloser")
}

// A search looks through a type for something that is used later.
type search struct {
	args map[*types.TypeParam][]types.Type
	seen []types.Type
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
	if isContext(t) || looksAlive(t) { // a context derived from the attempt's
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Chan, *types.Signature:
		return true
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
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return false
	}
	set := types.NewMethodSet(t)
	if _, isNamed := types.Unalias(t).(*types.Named); isNamed && !types.IsInterface(t) {
		set = types.NewMethodSet(types.NewPointer(t))
	}
	for sel := range set.Methods() {
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
