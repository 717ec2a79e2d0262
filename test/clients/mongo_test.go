package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const mongoDriver = "go.mongodb.org/mongo-driver/v2"

var mongoFamily = &family{
	title: "MongoDB",
	intro: "Measured against a server of the wire protocol that gives the answers of MongoDB. The driver repeats reads and single writes by itself, the write by a number that the server knows it by, so that it is not done twice; a retry of the policy is a new write. What is said of the effect is said of one command: `BulkWrite` of several kinds of writes, and `InsertMany` of more than the server takes at once, are several, and where a later one fails the error is the same as if it were the only one, so leave `//clad:once` methods to one command, or give documents their `_id`. A call that finds no server waits for 30 s, or for its context.",
}

func mongoClient(t *testing.T, addr string, change ...func(*options.ClientOptions)) *mongo.Collection {
	t.Helper()
	o := options.Client().ApplyURI("mongodb://" + addr + "/?replicaSet=rs&heartbeatFrequencyMS=500&serverSelectionTimeoutMS=300")
	for _, c := range change {
		c(o)
	}
	c, err := mongo.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(context.Background()) })
	return c.Database("shop").Collection("orders")
}

func singleTry(o *options.ClientOptions) { o.SetRetryReads(false).SetRetryWrites(false) }

func TestMongoAnswers(t *testing.T) {
	t.Parallel()
	failure := func(code int, name, text string, labels ...string) bson.M {
		return bson.M{"ok": 0, "code": code, "codeName": name, "errmsg": text, "errorLabels": labels}
	}
	for _, tt := range []struct {
		situation string
		answer    bson.M
		want      meaning
	}{
		{"the key exists already", bson.M{"ok": 1, "n": 0, "writeErrors": bson.A{bson.M{"index": 0, "code": 11000, "errmsg": "E11000 duplicate key error"}}}, answered},
		{"the document is not as the collection wants it", bson.M{"ok": 1, "n": 0, "writeErrors": bson.A{bson.M{"index": 0, "code": 121, "errmsg": "Document failed validation"}}}, answered},
		{"not permitted", failure(13, "Unauthorized", "not authorized on shop to execute command"), answered},
		{"a query that is wrong", failure(2, "BadValue", "unknown operator: $nosuch"), answered},
		{"a value of another type", failure(14, "TypeMismatch", "Wrong type for parameter"), answered},
		{"a command that is not one", failure(59, "CommandNotFound", "no such command"), answered},
		{"too large", failure(10334, "BSONObjectTooLarge", "object to insert too large"), answered},
		{"not the primary any more", failure(10107, "NotWritablePrimary", "not primary"), unmade},
		{"neither primary nor secondary", failure(13436, "NotPrimaryOrSecondary", "node is recovering"), unmade},
		{"the primary steps down while the command runs", failure(189, "PrimarySteppedDown", "primary stepped down"), failed},
		{"interrupted by a failover", failure(11602, "InterruptedDueToReplStateChange", "operation was interrupted"), failed},
		{"the server shuts down", failure(91, "ShutdownInProgress", "The server is in quiesce mode and will shut down"), failed},
		{"the server's own clock ended it", failure(50, "MaxTimeMSExpired", "operation exceeded time limit"), failed},
		{"overloaded", failure(462, "IngressRequestRateLimitExceeded", "too many requests", "SystemOverloadedError", "RetryableError"), unmade},
		{"a conflict with another write", failure(112, "WriteConflict", "WriteConflict error: this operation conflicted with another operation", "TransientTransactionError"), waited},
		{"written, but not by as many as wanted", bson.M{"ok": 1, "n": 1, "writeConcernError": bson.M{"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication timed out"}}, failed},
		{"no more space", failure(14031, "OutOfDiskSpace", "out of disk space"), failed},
	} {
		f := startMongo(t, func(string, bson.M) bson.M { return tt.answer })
		_, err := mongoClient(t, f.addr, singleTry).InsertOne(within(t, 5*time.Second), bson.M{"n": 1})
		mongoFamily.meets(t, mongoDriver, tt.situation, err, tt.want)
	}

	empty := startMongo(t, func(string, bson.M) bson.M {
		return bson.M{"ok": 1, "cursor": bson.M{"id": int64(0), "ns": "shop.orders", "firstBatch": bson.A{}}}
	})
	c := mongoClient(t, empty.addr)
	mongoFamily.meets(t, mongoDriver, "no such document", c.FindOne(within(t, 5*time.Second), bson.M{"n": 1}).Err(), answered)
	_, err := c.InsertOne(t.Context(), nil)
	mongoFamily.meets(t, mongoDriver, "no document to insert", err, refused)
	_, err = c.InsertOne(t.Context(), bson.M{"f": func() {}})
	mongoFamily.meets(t, mongoDriver, "a value that has no form", err, refused)
	_, err = c.UpdateOne(t.Context(), bson.M{}, bson.M{"n": 1})
	mongoFamily.meets(t, mongoDriver, "an update without an operator", err, unknown)
	_ = c.Database().Client().Disconnect(t.Context())
	mongoFamily.meets(t, mongoDriver, "a client that was closed", c.FindOne(t.Context(), bson.M{}).Err(), unknown)

	locked := startMongo(t, func(string, bson.M) bson.M { return failure(18, "AuthenticationFailed", "Authentication failed.") })
	c = mongoClient(t, locked.addr, func(o *options.ClientOptions) {
		o.SetAuth(options.Credential{Username: "clad", Password: "wrong", AuthMechanism: "SCRAM-SHA-256"})
	})
	mongoFamily.meets(t, mongoDriver, "a wrong password", c.FindOne(within(t, 5*time.Second), bson.M{}).Err(), answered)
}

// What one command of several says is no word on the others.
func TestMongoBulkWrites(t *testing.T) {
	t.Parallel()
	oneOfTwo := func(code int, text string) bson.M {
		return bson.M{"ok": 1, "n": 1, "writeErrors": bson.A{bson.M{"index": 1, "code": code, "errmsg": text}}}
	}
	for _, tt := range []struct {
		situation string
		answer    bson.M
		want      meaning
	}{
		{"of two documents, one is there already", oneOfTwo(11000, "E11000 duplicate key error"), answered},
		{"of two documents, one conflicts with another write", oneOfTwo(112, "WriteConflict"), conflicts},
		{"after one of two documents, not the primary any more", oneOfTwo(10107, "not primary"), failed},
		{"of two documents one is there already, and the other not yet at as many as wanted", bson.M{
			"ok": 1, "n": 1, "writeErrors": bson.A{bson.M{"index": 1, "code": 11000, "errmsg": "E11000 duplicate key error"}},
			"writeConcernError": bson.M{"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication timed out"},
		}, failed},
	} {
		f := startMongo(t, func(string, bson.M) bson.M { return tt.answer })
		_, err := mongoClient(t, f.addr, singleTry).InsertMany(within(t, 5*time.Second), []bson.M{{"n": 1}, {"n": 2}})
		mongoFamily.meets(t, mongoDriver, tt.situation, err, tt.want)
	}

	failure := func(code int, name, text string) bson.M {
		return bson.M{"ok": 0, "code": code, "codeName": name, "errmsg": text}
	}
	oneWrite := func(code int, text string) bson.M {
		return bson.M{"ok": 1, "nErrors": 1, "nInserted": 1, "cursor": bson.M{
			"id": int64(0), "ns": "admin.$cmd.bulkWrite",
			"firstBatch": bson.A{bson.M{"ok": 0, "idx": 1, "code": code, "errmsg": text, "n": 0}},
		}}
	}
	for _, tt := range []struct {
		situation string
		answer    bson.M
		want      meaning
	}{
		{"of a client's two writes, one is there already", oneWrite(11000, "E11000 duplicate key error"), answered},
		{"of a client's two writes, one conflicts with another", oneWrite(112, "WriteConflict"), conflicts},
		{"a client's writes, not the primary any more", failure(10107, "NotWritablePrimary", "not primary"), unmade},
	} {
		f := startMongo(t, func(string, bson.M) bson.M { return tt.answer })
		client := mongoClient(t, f.addr, singleTry).Database().Client()
		insert := func(n int) mongo.ClientBulkWrite {
			return mongo.ClientBulkWrite{Database: "shop", Collection: "orders", Model: mongo.NewClientInsertOneModel().SetDocument(bson.M{"n": n})}
		}
		_, err := client.BulkWrite(within(t, 5*time.Second), []mongo.ClientBulkWrite{insert(1), insert(2)})
		mongoFamily.meets(t, mongoDriver, tt.situation, err, tt.want)
	}
}

func TestMongoConnections(t *testing.T) {
	t.Parallel()
	_, err := mongoClient(t, "127.0.0.1:"+freePort(t)).InsertOne(within(t, 5*time.Second), bson.M{})
	mongoFamily.meets(t, mongoDriver, "nobody listens", err, unmade)

	hung := startMongo(t, func(string, bson.M) bson.M { return hangUp })
	_, err = mongoClient(t, hung.addr, singleTry).InsertOne(within(t, 5*time.Second), bson.M{})
	mongoFamily.meets(t, mongoDriver, "the connection breaks while the command runs", err, unknown)

	silent := startMongo(t, func(string, bson.M) bson.M { return nil })
	c := mongoClient(t, silent.addr, singleTry, func(o *options.ClientOptions) { o.SetMaxPoolSize(1) })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = c.InsertOne(ctx, bson.M{}) }()
	until(t, "the first insert is under way", func() error {
		if silent.sent("insert") == 0 {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	_, err = c.InsertOne(within(t, 200*time.Millisecond), bson.M{})
	mongoFamily.meets(t, mongoDriver, "all connections of the pool are taken", err, waited)
	cancel()
	<-ended
}

func TestMongoDeadlinesAndRetries(t *testing.T) {
	t.Parallel()
	silent := startMongo(t, func(string, bson.M) bson.M { return nil })
	c := mongoClient(t, silent.addr)
	const soon = 300 * time.Millisecond
	var err error
	deadline := took(func() { _, err = c.InsertOne(within(t, soon), bson.M{}) })
	mongoFamily.meets(t, mongoDriver, "the deadline passes at a server that hangs", err, unknown)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _, _ = c.InsertOne(ctx, bson.M{}) })

	count := func(ctx context.Context, change ...func(*options.ClientOptions)) int {
		hung := startMongo(t, func(string, bson.M) bson.M { return hangUp })
		change = append(change, func(o *options.ClientOptions) { o.SetServerSelectionTimeout(5 * time.Second) })
		if _, err := mongoClient(t, hung.addr, change...).InsertOne(ctx, bson.M{}); err == nil {
			t.Error("no error")
		}
		return hung.sent("insert")
	}
	if n := count(within(t, 5*time.Second), singleTry); n != 1 {
		t.Errorf("an insert was sent %d times without retries", n)
	}
	retries := fmt.Sprintf("an insert was sent %d times, as one write", count(t.Context()))
	if n := count(within(t, 2*time.Second)); n > 2 {
		retries += "; where the context has a deadline, again and again until it passes"
	}
	mongoFamily.behaves(mongoDriver, way{
		deadline: heard(deadline, soon), cancellation: heard(cancelled, soon),
		retries: retries,
		set:     "`SetRetryReads(false)`, `SetRetryWrites(false)`, or no retry in the policy; `SetServerSelectionTimeout` below the policy's attempt",
	})
}
