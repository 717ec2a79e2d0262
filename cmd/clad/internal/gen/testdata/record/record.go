// Package record is what the fakes beside the nasty interfaces are made of.
package record

// A Recorder remembers the last call of a fake, and says what it returns.
type Recorder struct {
	Method string
	Args   []any
	Fill   func(results []any) // sets what the pointers in results point to; may panic
}

// Call is what each method of a fake calls.
func (r *Recorder) Call(method string, args []any, results ...any) {
	r.Method, r.Args = method, args
	if r.Fill != nil {
		r.Fill(results)
	}
}
