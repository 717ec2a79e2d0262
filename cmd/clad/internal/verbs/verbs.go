// Package verbs knows what the names of methods say about what they do.
package verbs

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// changing are verbs that do something anew each time. What sets or deletes
// something leaves it the same the second time.
var changing = []string{
	"Add", "Append", "Book", "Buy", "Capture", "Charge", "Commit", "Create", "Credit", "Debit", "Decr", "Decrement",
	"Deposit", "Dispatch", "Emit", "Enqueue", "Exec", "Execute", "Import", "Incr", "Increment", "Insert", "Invite",
	"Move", "Notify", "Pay", "Place", "Pop", "Post", "Produce", "Publish", "Purchase", "Push",
	"Refund", "Register", "Reserve", "Sell", "Send", "Submit", "Transfer", "Upload", "Withdraw", "Write",
}

// Changes reports whether the name of a method says that it changes something, and not
// that it comes to the same the second time.
func Changes(method string) bool {
	for _, prefix := range []string{"Async", "Batch", "Bulk", "Do", "Must", "Try"} { // which say how
		if rest, ok := strings.CutPrefix(method, prefix); ok && rest != "" && unicode.IsUpper(rune(rest[0])) {
			method = rest
		}
	}
	if len(method) > 2 && unicode.IsUpper(rune(method[1])) && unicode.IsLower(rune(method[2])) { // LPush, as of Redis
		method = method[1:]
	}
	i := strings.IndexFunc(method[1:], unicode.IsUpper)
	if i >= 0 {
		method = method[:i+1]
	}
	return slices.Contains(changing, method)
}

// reading are verbs that change nothing.
var reading = []string{
	"Count", "Describe", "Exists", "Fetch", "Find", "Get", "Has", "List", "Load", "Lookup", "Query", "Read", "Search",
}

// Reads reports whether the name of a method says that it reads, and does not go on to
// say more: GetOrCreate, FindAndLock.
func Reads(method string) bool {
	for _, verb := range reading {
		rest, ok := strings.CutPrefix(method, verb)
		if !ok {
			continue
		}
		next, _ := utf8.DecodeRuneInString(rest)
		return !unicode.IsLower(next) && !says(rest, "Or") && !says(rest, "And")
	}
	return false
}

// says reports whether one of the words of a name is the word.
func says(name, word string) bool {
	for {
		i := strings.Index(name, word)
		if i < 0 {
			return false
		}
		name = name[i+len(word):]
		if next, _ := utf8.DecodeRuneInString(name); !unicode.IsLower(next) {
			return true
		}
	}
}
