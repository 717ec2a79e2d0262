package proxies_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cladgo/clad/policy"
)

// Objects are some methods of *s3.Client.
type Objects interface {
	PutObject(ctx context.Context, params *s3.PutObjectInput, optFns ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	GetObject(ctx context.Context, params *s3.GetObjectInput, optFns ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	SelectObjectContent(ctx context.Context, params *s3.SelectObjectContentInput, optFns ...func(*s3.Options)) (*s3.SelectObjectContentOutput, error)
}

// objects is a client of a server of one's own, that makes no attempts of its own.
func objects(t *testing.T, handle http.HandlerFunc) Objects {
	t.Helper()
	server := httptest.NewTLSServer(handle)
	t.Cleanup(server.Close)
	client := server.Client()
	t.Cleanup(client.CloseIdleConnections)
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(server.URL), Region: "eu-central-1", UsePathStyle: true, HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), Retryer: aws.NopRetryer{},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

// unsigned lets a body be sent that can't be read twice.
func unsigned(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// once can be read, and no more.
type once struct{ io.Reader }

// TestS3UploadsAreWholeOrOnce: the server got 1000 bytes, said 503, got 0 bytes, and
// all was well.
func TestS3UploadsAreWholeOrOnce(t *testing.T) {
	text := strings.Repeat("x", 1000)
	for name, c := range map[string]struct {
		body func() io.Reader
		want []int
	}{
		"that can seek": {func() io.Reader { return strings.NewReader(text) }, []int{1000, 1000}},
		"that can't":    {func() io.Reader { return once{strings.NewReader(text)} }, []int{1000}},
		"a buffer":      {func() io.Reader { return bytes.NewBufferString(text) }, []int{1000}},
		"none":          {func() io.Reader { return nil }, []int{0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var got []int
			client, _ := wrap(t, objects(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				got = append(got, len(body))
				if len(got) == 1 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}), retry(2))
			in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key"), Body: c.body()}
			if c.body() != nil {
				in.ContentLength = aws.Int64(int64(len(text)))
			}
			_, err := client.PutObject(t.Context(), in, unsigned)
			if !slices.Equal(got, c.want) || (err == nil) != (len(c.want) == 2) {
				t.Errorf("%v after the server got %v bytes, want %v", err, got, c.want)
			}
		})
	}
}

// TestS3EventStreamsLiveUntilTheyEnd: what GetStream hands out had 0 of 3 records,
// and "context canceled". It is not cut off by the policy's timeout either.
func TestS3EventStreamsLiveUntilTheyEnd(t *testing.T) {
	const timeout = 200 * time.Millisecond
	client, _ := wrap(t, objects(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		// real time: the SDK closes the body of its request once there is an answer,
		// and where net/http has not seen the end of it by then, the connection too.
		time.Sleep(20 * time.Millisecond)
		encoder := eventstream.NewEncoder()
		for _, text := range []string{"one", "two", "three"} {
			sendEvent(w, encoder, "Records", text)
			// real time: the stream lasts longer than the timeout
			time.Sleep(timeout)
		}
		sendEvent(w, encoder, "End", "")
	}), policy.Combine(policy.Retry{MaxAttempts: 2}, policy.Timeout(timeout)))
	out, err := client.SelectObjectContent(t.Context(), &s3.SelectObjectContentInput{
		Bucket: aws.String("bucket"), Key: aws.String("key"), Expression: aws.String("SELECT *"), ExpressionType: types.ExpressionTypeSql,
		InputSerialization:  &types.InputSerialization{CSV: &types.CSVInput{}},
		OutputSerialization: &types.OutputSerialization{CSV: &types.CSVOutput{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	var got []string
	for event := range stream.Events() {
		if records, ok := event.(*types.SelectObjectContentEventStreamMemberRecords); ok {
			got = append(got, string(records.Value.Payload))
		}
	}
	if err := stream.Err(); err != nil || !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("records %q, %v", got, err)
	}
	if err := stream.Close(); err != nil {
		t.Error(err)
	}
}

func sendEvent(w http.ResponseWriter, encoder *eventstream.Encoder, kind, text string) {
	m := eventstream.Message{Payload: []byte(text)}
	m.Headers.Set(eventstreamapi.MessageTypeHeader, eventstream.StringValue(eventstreamapi.EventMessageType))
	m.Headers.Set(eventstreamapi.EventTypeHeader, eventstream.StringValue(kind))
	_ = encoder.Encode(w, m)
	w.(http.Flusher).Flush()
}

// TestS3ObjectsThatBreakOffAreFailures: they were successes.
func TestS3ObjectsThatBreakOffAreFailures(t *testing.T) {
	client, totals := wrap(t, objects(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write(make([]byte, 500))
	}), retry(2))
	out, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, out.Body); n != 500 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	_ = out.Body.Close()
	if got := totals(); got.FailedOperations != 1 || got.SuccessfulOperations != 0 {
		t.Errorf("%+v", got)
	}
}
