package check

import "testing"

func TestNamesThatSayThatTheyChangeSomething(t *testing.T) {
	for name, want := range map[string]bool{
		"Charge": true, "ChargeCard": true, "CreateUser": true, "Pay": true, "SendAll": true, "Insert": true,
		"Publish": true, "BatchInsert": true, "MustPublishAsync": true, "DoExec": true, "Exec": true,
		"LPush": true, "HIncrBy": true,

		"Get": false, "Payments": false, "Created": false, "Sender": false, "Addresses": false, "Set": false,
		"Delete": false, "Upsert": false, "ListCharges": false, "Do": false, "Try": false, "Batch": false, "X": false, "HGet": false, "ID": false, "URLs": false,
	} {
		if got := changes(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
