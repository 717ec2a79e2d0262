package verdict

import (
	"maps"
	"reflect"
	"slices"
	"sync"
)

// client is what is known of the errors of one client.
type client struct {
	// types says how errors are recognised by the full names of their types:
	// "net.OpError", for a pointer to it as well.
	types map[string]func(error) Meaning
	// texts are the errors that a client makes by errors.New: each has nothing but
	// its text.
	texts map[string]Meaning
	// values are errors that are there without any import.
	values map[error]Meaning
	// names are those that profiles may use for errors: of texts, or of what a
	// function picks out, looking at one error and not at what it wraps.
	names map[string]func(error) bool
}

// clients lists all that are known.
var clients = []*client{&standard, &grpc}

// tables are the clients' put together, when the first failure asks.
var tables = sync.OnceValue(func() *client {
	all := &client{map[string]func(error) Meaning{}, map[string]Meaning{}, map[error]Meaning{}, map[string]func(error) bool{}}
	for _, c := range clients {
		maps.Copy(all.types, c.types)
		maps.Copy(all.texts, c.texts)
		maps.Copy(all.values, c.values)
		maps.Copy(all.names, c.names)
	}
	return all
})

// Names lists the errors that profiles may name.
func Names() []string { return slices.Sorted(maps.Keys(tables().names)) }

// Named returns what tells whether an error, or one that it wraps, is the one of
// that name; it is false for a name that is not known.
func Named(name string) (is func(error) bool, ok bool) {
	one, ok := tables().names[name]
	return func(err error) bool { return wraps(err, one) }, ok
}

// wraps reports whether one holds for any error in err's tree.
func wraps(err error, one func(error) bool) bool {
	if err == nil {
		return false
	}
	if one(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case interface{ Unwrap() error }:
		return wraps(e.Unwrap(), one)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return wraps(err, one) })
	}
	return false
}

// of knows errors by what they are, without looking further in.
func of(t reflect.Type, err error) Meaning {
	if t == typeOfText {
		if m, ok := tables().values[err]; ok {
			return m
		}
		return tables().texts[err.Error()]
	}
	known, ok := recognisers.Load(t)
	if !ok {
		known, _ = recognisers.LoadOrStore(t, tables().types[nameOf(t)])
	}
	if recognise := known.(func(error) Meaning); recognise != nil {
		return recognise(err)
	}
	return unknown
}

// recognisers remembers what is known of each type of error, nil if nothing is.
// There are no more of them than types in the program.
var recognisers sync.Map // reflect.Type -> func(error) Meaning

func nameOf(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() + "." + t.Name()
}

func always(m Meaning) func(error) Meaning { return func(error) Meaning { return m } }

// text returns the text in a field of a struct, or "".
func text(err error, field string) string {
	if f := fieldOf(err, field); f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}

func fieldOf(err error, name string) reflect.Value {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return v.FieldByName(name)
}

// isText tells errors by their text.
func isText(text string) func(error) bool {
	return func(err error) bool { return reflect.TypeOf(err) == typeOfText && err.Error() == text }
}

// isType tells errors by the full name of their type.
func isType(err error, name string) bool { return nameOf(reflect.TypeOf(err)) == name }

func isValue(value error) func(error) bool {
	return func(err error) bool { return err == value } //nolint:errorlint // whoever asks walks the tree
}
