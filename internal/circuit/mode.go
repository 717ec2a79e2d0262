package circuit

// Mode is who decides: the state machine, or an operator.
type Mode uint8

// The modes of a breaker.
const (
	Automatic  Mode = iota
	ForcedOpen      // rejects every call
	Disabled        // lets every call pass, and counts nothing
)

// SetMode says who decides from now on. The machine goes on in the state that it
// was left in; probes that are under way are forgotten.
func (b *Breaker) SetMode(m Mode) {
	b.mu.Lock()
	defer b.unlock()
	if b.mode == m {
		return
	}
	if b.mode == Automatic {
		b.row = inARow(b.gate.Load())
	}
	b.mode = m
	b.dropProbes()
	b.publish(true)
}

// Reset closes the breaker, forgets what it counted, and makes it automatic.
func (b *Breaker) Reset() {
	b.mu.Lock()
	defer b.unlock()
	b.mode = Automatic
	b.restart()
}
