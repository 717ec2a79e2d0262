package clients

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const awsS3 = "github.com/aws/aws-sdk-go-v2/service/s3"

var s3Family = &family{
	title: "S3 and other services of AWS",
	intro: "The SDK makes up to three attempts of its own, each with the whole of the time that the context has left. `HEAD` has no body and so no code: a key that is not there is `NotFound`, not `NoSuchKey`.",
}

func s3Client(t *testing.T, url string, change ...func(*s3.Options)) *s3.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(url), Region: "eu-central-1", UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient:  &http.Client{Transport: transport},
	}, change...)
}

func noRetries(o *s3.Options) { o.Retryer = aws.NopRetryer{} }

// s3Answers runs a server that answers each key with the status and code that it
// spells: /bucket/503/SlowDown.
func s3Answers(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var status int
		var code string
		_, _ = fmt.Sscanf(strings.TrimPrefix(r.URL.Path, "/b/"), "%d/%s", &status, &code)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		if r.Method != http.MethodHead && status != http.StatusNotModified && code != "" {
			fmt.Fprintf(w, "<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>no</Message></Error>", code)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestS3Answers(t *testing.T) {
	t.Parallel()
	c := s3Client(t, s3Answers(t).URL, noRetries)
	get := func(key string) error {
		_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String(key)})
		return err
	}
	for _, tt := range []struct {
		situation, answer string
		want              meaning
	}{
		{"no such key", "404/NoSuchKey", answered},
		{"no such bucket", "404/NoSuchBucket", answered},
		{"not permitted", "403/AccessDenied", answered},
		{"a token that has expired", "400/ExpiredToken", answered},
		{"a wrong key of one's own", "403/InvalidAccessKeyId", answered},
		{"a condition that does not hold", "412/PreconditionFailed", answered},
		{"it has not changed", "304/", answered},
		{"another request at the same key", "409/ConditionalRequestConflict", conflicts},
		{"a clock that is wrong", "403/RequestTimeTooSkewed", waited},
		{"throttled", "503/SlowDown", unmade},
		{"the server waited for the request's body", "400/RequestTimeout", failed},
		{"overloaded", "503/ServiceUnavailable", failed},
		{"its own trouble", "500/InternalError", failed},
		{"not implemented", "501/NotImplemented", answered},
		{"another region", "301/PermanentRedirect", answered},
		{"a gateway's answer, without a code", "502/", failed},
		{"a trouble that comes with status 200", "200/InternalError", failed},
	} {
		if tt.answer == "200/InternalError" {
			_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("b"), Key: aws.String(tt.answer), CopySource: aws.String("b/other")})
			s3Family.meets(t, awsS3, tt.situation, err, tt.want)
			continue
		}
		s3Family.meets(t, awsS3, tt.situation, get(tt.answer), tt.want)
	}
	head := func(key string) error {
		_, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String(key)})
		return err
	}
	s3Family.meets(t, awsS3, "no such key, by HEAD", head("404/"), answered)
	s3Family.meets(t, awsS3, "not permitted, by HEAD", head("403/"), answered)
	s3Family.meets(t, awsS3, "overloaded, by HEAD", head("503/"), failed)
	_, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("b/409/BucketAlreadyExists")})
	s3Family.meets(t, awsS3, "a name that is not one", err, answered)
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("400/EntityTooLarge"), Body: strings.NewReader("x")})
	s3Family.meets(t, awsS3, "too large", err, answered)
}

func TestS3OwnMistakes(t *testing.T) {
	t.Parallel()
	url := s3Answers(t).URL
	c := s3Client(t, url, noRetries)
	_, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b")})
	s3Family.meets(t, awsS3, "a parameter is missing", err, refused)
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("200/"), Body: io.NopCloser(strings.NewReader("once"))})
	s3Family.meets(t, awsS3, "a body that can be read once, without TLS", err, refused)
	_, err = s3Client(t, url, noRetries, func(o *s3.Options) { o.Region = ""; o.BaseEndpoint = nil }).
		GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	s3Family.meets(t, awsS3, "no region", err, refused)
	_, err = s3Client(t, url, noRetries, func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, fmt.Errorf("the metadata service is away")
		})
	}).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	s3Family.meets(t, awsS3, "credentials are not to be had", err, unknown)
}

func TestS3Connections(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *s3.Client) error {
		_, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
		return err
	}
	s3Family.meets(t, awsS3, "nobody listens", get(t.Context(), s3Client(t, "http://127.0.0.1:"+freePort(t), noRetries)), unmade)

	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = quiet
	s3Family.meets(t, awsS3, "a certificate that cannot be verified", get(t.Context(), s3Client(t, secure.URL, noRetries)), hopeless)

	reset := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer reset.Close()
	s3Family.meets(t, awsS3, "the connection breaks while the request runs", get(t.Context(), s3Client(t, reset.URL, noRetries)), unknown)

	half := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	}))
	defer half.Close()
	out, err := s3Client(t, half.URL, noRetries).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(out.Body)
	_ = out.Body.Close()
	s3Family.meets(t, awsS3, "the body breaks off, after a success", err, unknown)
}

func TestS3DeadlinesAndRetries(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer slow.Close()
	const soon = 300 * time.Millisecond
	put := func(ctx context.Context, c *s3.Client) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: bytes.NewReader([]byte("x"))})
		return err
	}
	c := s3Client(t, slow.URL)
	var err error
	deadline := took(func() { err = put(within(t, soon), c) })
	s3Family.meets(t, awsS3, "the deadline passes at a server that hangs", err, unknown)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = put(ctx, c) })

	var puts atomic.Int32
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		puts.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer failing.Close()
	count := func(change ...func(*s3.Options)) int32 {
		puts.Store(0)
		if err := put(t.Context(), s3Client(t, failing.URL, change...)); err == nil {
			t.Error("no error")
		}
		return puts.Load()
	}
	if n := count(noRetries); n != 1 {
		t.Errorf("%d attempts with aws.NopRetryer", n)
	}
	if n := count(func(o *s3.Options) { o.Retryer = retry.AddWithMaxAttempts(retry.NewStandard(), 1) }); n != 1 {
		t.Errorf("%d attempts with AddWithMaxAttempts(1)", n)
	}
	_, err = s3Client(t, s3Answers(t).URL).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("503/SlowDown"), Body: strings.NewReader("x")})
	s3Family.meets(t, awsS3, "throttled, after attempts of its own", err, failed)
	s3Family.behaves(awsS3, way{
		deadline: heard(deadline, soon), cancellation: heard(cancelled, soon),
		retries: fmt.Sprintf("a PUT was sent %d times", count()),
		set:     "`Options.Retryer: aws.NopRetryer{}`, or `config.WithRetryer`; `RetryMaxAttempts: 1`",
	})
}
