package signature

import (
	"io"
	"reflect"
	"slices"
)

// A Life says what becomes of the context of an attempt whose result is in use
// after the call.
type Life int

// The lives of results.
const (
	Ends   Life = iota // with the call: nothing is
	Opens              // it goes on with the caller's context
	Held               // the same, until nobody has the result any more
	Cursor             // it is still to come, within the timeouts
	Body               // it ends when the body does, an io.ReadCloser
)

// Lasting is the result of a function that is in use after the call.
type Lasting struct {
	Life   Life
	Result int
	Field  int // of the result, that is the body; -1 if the result is one itself
}

var typeOfReadCloser = reflect.TypeFor[io.ReadCloser]()

// LastingOf looks at the results of a function, but for its error.
func LastingOf(t reflect.Type) Lasting {
	var found []Lasting
	for i := range t.NumOut() - 1 {
		if l := lifeOf(t.Out(i)); l.Life != Ends {
			l.Result = i
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return Lasting{}
	case 1:
		return found[0]
	}
	return Lasting{Life: Opens} // which of them ends last, nobody knows
}

func lifeOf(t reflect.Type) Lasting {
	if t == typeOfReadCloser {
		return Lasting{Life: Body, Field: -1}
	}
	if field, ok := bodyOf(t); ok {
		return Lasting{Life: Body, Field: field}
	}
	switch alive := lives(t, nil, false); {
	case !alive && lives(t, nil, true), alive && isCursor(t):
		return Lasting{Life: Cursor}
	case !alive:
		return Lasting{}
	case (t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface) && looksAlive(t) && !leads(t):
		return Lasting{Life: Held}
	}
	return Lasting{Life: Opens}
}

// bodyOf finds the one field of a struct, or of one that is pointed to, that is a
// body, if nothing else in it lives on.
func bodyOf(t reflect.Type) (field int, ok bool) {
	s := t
	if s.Kind() == reflect.Pointer {
		s = s.Elem()
	}
	response := s.PkgPath() == "net/http" && s.Name() == "Response"
	if s.Kind() != reflect.Struct || looksAlive(t) || leads(t) && !response {
		return 0, false
	}
	for i := range s.NumField() {
		f := s.Field(i)
		switch {
		case !f.IsExported():
		case !f.Anonymous && !ok && f.Type == typeOfReadCloser:
			field, ok = i, true
		case !response && lives(f.Type, []reflect.Type{t}, false):
			return 0, false
		}
	}
	return field, ok
}

// lives reports whether a result of type t, or something in it, is used later.
// Functions that are but fields are few signs of it, and count with functions.
func lives(t reflect.Type, around []reflect.Type, functions bool) bool {
	if len(around) > 3 || inMemory(t) || slices.Contains(around, t) {
		return false
	}
	if t == typeOfContext || looksAlive(t) || leads(t) {
		return true
	}
	around = append(around, t)
	switch t.Kind() {
	case reflect.Chan:
		return true
	case reflect.Func:
		return functions || len(around) == 1
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return lives(t.Elem(), around, functions)
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && lives(f.Type, around, functions) {
				return true
			}
		}
	default:
	}
	return false
}

// signs are methods of what is read, received or committed later.
var signs = map[string]func(params int, m reflect.Type) bool{
	"Close": anyMethod, "CloseSend": anyMethod, "Stop": noParams, "Cancel": noParams, "Unsubscribe": noParams, "Release": noParams,
	"Recv": anyMethod, "RecvMsg": anyMethod, "Receive": anyMethod, "ResultChan": anyMethod,
	"Next": anyMethod, "NextPage": anyMethod, "Commit": anyMethod, "Rollback": anyMethod,
	"Scan": func(_ int, m reflect.Type) bool { return m.IsVariadic() },
}

func anyMethod(int, reflect.Type) bool         { return true }
func noParams(params int, _ reflect.Type) bool { return params == 0 }

func looksAlive(t reflect.Type) bool {
	return t.Implements(typeOfReader) || anyMethodOf(t, func(name string, params int, m reflect.Type) bool {
		sign := signs[name]
		return sign != nil && sign(params, m)
	})
}

// leads reports whether t has a method that hands out what is used later: an
// iterator, a channel, a context, what looks alive itself.
func leads(t reflect.Type) bool {
	return anyMethodOf(t, func(_ string, params int, m reflect.Type) bool {
		if params > 0 || m.NumOut() != 1 && !(m.NumOut() == 2 && m.Out(1) == typeOfError) {
			return false
		}
		switch out := m.Out(0); {
		case out == typeOfContext:
			return true
		case out.Kind() == reflect.Chan:
			return out.Elem() != typeOfSignal
		case out.Kind() == reflect.Func:
			return isSequence(out)
		default:
			return out != t && !inMemory(out) && looksAlive(out)
		}
	})
}

func isCursor(t reflect.Type) bool {
	return anyMethodOf(t, func(name string, params int, m reflect.Type) bool {
		return name == "Next" && params == 0 && m.NumOut() == 1 && m.Out(0) == typeOfBool || name == "Scan" && m.IsVariadic()
	})
}

// anyMethodOf asks for each method of t, or of a pointer to it, with the number of
// its parameters.
func anyMethodOf(t reflect.Type, is func(name string, params int, m reflect.Type) bool) bool {
	receiver := 1
	switch {
	case t.Kind() == reflect.Interface:
		receiver = 0
	case t.Kind() != reflect.Pointer && t.Name() != "":
		t = reflect.PointerTo(t)
	}
	for i := range t.NumMethod() {
		if m := t.Method(i); is(m.Name, m.Type.NumIn()-receiver, m.Type) {
			return true
		}
	}
	return false
}

// inMemory lists types that only look like streams.
func inMemory(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.PkgPath() + "." + t.Name() {
	case "bytes.Buffer", "bytes.Reader", "strings.Reader", "time.Timer", "time.Ticker", "container/list.Element":
		return true
	}
	return false
}
