package bank

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/cladgo/clad/examples/app/jsonio"
)

// cardLimit is what the bank's cards allow at once, in cents.
const cardLimit = 5_000_00

// Charge is a charge as the bank tells it.
type Charge struct {
	ID       string `json:"id"`
	Cents    int64  `json:"cents"`
	Currency string `json:"currency"`
}

// Statement is what the bank has done.
type Statement struct {
	Requests int   `json:"requests"` // for charges and refunds, answered or not
	Charges  int   `json:"charges"`
	Refunds  int   `json:"refunds"`
	Cents    int64 `json:"cents"` // taken and not given back
}

// books holds what was charged, by idempotency key. The zero value is empty.
type books struct {
	mu        sync.Mutex
	byKey     map[string]Charge
	byID      map[string]Charge
	statement Statement
}

func (b *books) asked() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.statement.Requests++
}

// charge books a charge once per key.
func (b *books) charge(key string, cents int64, currency string) (Charge, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.byKey[key]; ok {
		if c.Cents != cents || c.Currency != currency {
			return Charge{}, fmt.Errorf("the key %q was used for another charge", key)
		}
		return c, nil
	}
	if b.byKey == nil {
		b.byKey, b.byID = make(map[string]Charge), make(map[string]Charge)
	}
	b.statement.Charges++
	b.statement.Cents += cents
	c := Charge{fmt.Sprintf("ch_%d", b.statement.Charges), cents, currency}
	b.byKey[key], b.byID[c.ID] = c, c
	return c, nil
}

// refund pays, every time it is asked.
func (b *books) refund(id string, cents int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, ok := b.byID[id]; !ok || c.Cents != cents {
		return fmt.Errorf("there is no charge %q of %d cents", id, cents)
	}
	b.statement.Refunds++
	b.statement.Cents -= cents
	return nil
}

func (b *Bank) charge(w http.ResponseWriter, r *http.Request) {
	var cents int64
	var currency, method string
	err := jsonio.Read(w, r, jsonio.Fields{"cents": &cents, "currency": &currency, "method": &method})
	key := r.Header.Get("Idempotency-Key")
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, err.Error())
	case key == "":
		refuse(w, http.StatusBadRequest, "the header Idempotency-Key is missing")
	case cents <= 0:
		refuse(w, http.StatusBadRequest, "cents: it must be above 0")
	case method == "credit_card" && cents > cardLimit:
		refuse(w, http.StatusPaymentRequired, fmt.Sprintf("the card allows %d cents", cardLimit))
	default:
		c, err := b.books.charge(key, cents, currency)
		if err != nil {
			refuse(w, http.StatusConflict, err.Error())
			return
		}
		jsonio.Write(w, http.StatusCreated, c)
	}
}

func (b *Bank) refund(w http.ResponseWriter, r *http.Request) {
	var id string
	var cents int64
	if err := jsonio.Read(w, r, jsonio.Fields{"charge": &id, "cents": &cents}); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := b.books.refund(id, cents); err != nil {
		refuse(w, http.StatusNotFound, err.Error())
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (b *Bank) statement(w http.ResponseWriter, _ *http.Request) {
	b.books.mu.Lock()
	s := b.books.statement
	b.books.mu.Unlock()
	jsonio.Write(w, http.StatusOK, s)
}

func refuse(w http.ResponseWriter, status int, reason string) {
	jsonio.Write(w, status, map[string]string{"error": reason})
}
