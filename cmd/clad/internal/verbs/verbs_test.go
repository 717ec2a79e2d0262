package verbs_test

import (
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/verbs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNamesThatSayThatTheyChangeSomething(t *testing.T) {
	for name, want := range map[string]bool{
		"Charge": true, "ChargeCard": true, "CreateUser": true, "Pay": true, "SendAll": true, "Insert": true,
		"Publish": true, "BatchInsert": true, "MustPublishAsync": true, "DoExec": true, "Exec": true,
		"LPush": true, "HIncrBy": true,

		"Get": false, "Payments": false, "Created": false, "Sender": false, "Addresses": false, "Set": false,
		"Delete": false, "Upsert": false, "ListCharges": false, "Do": false, "Try": false, "Batch": false, "X": false, "HGet": false, "ID": false, "URLs": false,
	} {
		if got := verbs.Changes(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNamesThatSayThatTheyRead(t *testing.T) {
	for name, want := range map[string]bool{
		"Get": true, "GetOrder": true, "List": true, "FindAll": true, "ListOrders": true, "Count": true, "FindAndroid": true,

		"Getaway": false, "GetOrCreate": false, "FindAndLock": false, "Listen": false, "Charge": false, "Put": false, "": false,
	} {
		if got := verbs.Reads(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
