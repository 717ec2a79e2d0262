// Package jsonio reads and writes the JSON bodies of the example's two servers.
// Reading is strict, and tells all mistakes at once.
package jsonio

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxBody is the largest body that is read.
const maxBody = 64 << 10

// Fields says where the value of each key goes: to pointers, as in
// json.Unmarshal.
type Fields map[string]any

// MistakesError lists everything that is wrong with a body.
type MistakesError struct{ Mistakes []Mistake }

// Mistake is one of them. Field is empty where it is about the whole body.
type Mistake struct {
	Field string `json:"field,omitempty"`
	What  string `json:"what"`
}

func (e *MistakesError) Error() string {
	texts := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		texts[i] = m.String()
	}
	return strings.Join(texts, "; ")
}

func (m Mistake) String() string {
	if m.Field == "" {
		return m.What
	}
	return m.Field + ": " + m.What
}

// Read reads one JSON object from a request. Keys may be left out, but not
// misspelt, given twice or null. The error is a [*MistakesError].
func Read(w http.ResponseWriter, r *http.Request, fields Fields) error {
	return Decode(http.MaxBytesReader(w, r.Body, maxBody), fields)
}

// Decode is Read without a request.
func Decode(r io.Reader, fields Fields) error {
	d := decoder{json: json.NewDecoder(r), fields: fields, seen: make(map[string]bool)}
	err := d.object()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	if err != nil {
		d.mistake("", "the body is not one JSON object: %v", err)
	}
	if len(d.mistakes) > 0 {
		return &MistakesError{d.mistakes}
	}
	return nil
}

type decoder struct {
	json     *json.Decoder
	fields   Fields
	seen     map[string]bool
	mistakes []Mistake
}

func (d *decoder) mistake(field, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{field, fmt.Sprintf(format, args...)})
}

// object walks through the keys. What it returns is an error of the syntax,
// after which nothing more can be read.
func (d *decoder) object() error {
	if t, err := d.json.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return fmt.Errorf("it begins with %v", t)
	}
	for d.json.More() {
		key, err := d.json.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := d.json.Decode(&value); err != nil {
			return err
		}
		d.field(key.(string), value) // the decoder allows no other keys
	}
	if _, err := d.json.Token(); err != nil {
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

func (d *decoder) field(key string, value json.RawMessage) {
	to, known := d.fields[key]
	switch {
	case !known:
		names := slices.Sorted(maps.Keys(d.fields))
		d.mistake(key, "unknown; there are: %s", strings.Join(names, ", "))
	case d.seen[key]:
		d.mistake(key, "given twice")
	case string(value) == "null":
		d.mistake(key, "null; leave it out instead")
	default:
		if err := json.Unmarshal(value, to); err != nil {
			d.mistake(key, "%s", plain(err, value))
		}
	}
	d.seen[key] = true
}

// plain says it without Go's type names.
func plain(err error, value json.RawMessage) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("%.40s; want a %s", value, kinds[wrong.Type.Kind().String()])
	}
	return err.Error()
}

var kinds = map[string]string{
	"bool": "bool (true or false)", "string": "string in quotes", "int": "whole number", "int64": "whole number", "float64": "number",
}

// Write answers with a status and a body.
func Write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(body) // the client may be gone; there is nobody to tell
}
