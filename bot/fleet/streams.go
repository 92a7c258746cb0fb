package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Streams and buckets.
const (
	StreamFacts  = "FACTS"  // the last record of each subject
	StreamLog    = "LOG"    // the panels' issuing logs
	StreamLooks  = "LOOKS"  // looks to take, a queue
	StreamSights = "SIGHTS" // what vantage points saw
	BucketFleet  = "fleet"  // an entry an agent
	BucketLease  = "lease"  // who speaks
	BucketState  = "state"  // of objects: the last backup of the state of the bot that speaks, of two
)

// MaxRecord is the largest message, in bytes, that a hub takes.
const MaxRecord = 256 << 10

const (
	logKept    = 30 * 24 * time.Hour
	sightsKept = 7 * 24 * time.Hour
	looksKept  = 24 * time.Hour

	// duplicates is how long a message id is remembered. A batch of a log that is sent
	// again later is recognised by its rows.
	duplicates = 2 * time.Hour

	requestTimeout = 5 * time.Second

	// LeaseTTL ends the lease of a bot that does not renew it. A bot needs a part of it to
	// become silent (package lease), and a hub that is restarted should cost nothing.
	LeaseTTL = 30 * time.Second
)

func streams(replicas int) []jetstream.StreamConfig {
	all := []jetstream.StreamConfig{
		{Name: StreamFacts, Subjects: []string{allFacts, allStates}, MaxMsgsPerSubject: 1, AllowDirect: true},
		{Name: StreamLog, Subjects: []string{allLogs}, MaxAge: logKept, Duplicates: duplicates},
		{Name: StreamLooks, Subjects: []string{allLooks}, MaxAge: looksKept, Retention: jetstream.WorkQueuePolicy},
		{Name: StreamSights, Subjects: []string{allSights}, MaxAge: sightsKept, MaxMsgsPerSubject: 2},
	}
	for i := range all {
		all[i].Storage, all[i].Replicas, all[i].MaxMsgSize = jetstream.FileStorage, replicas, MaxRecord
	}
	return all
}

func buckets(replicas int) []jetstream.KeyValueConfig {
	return []jetstream.KeyValueConfig{
		{Bucket: BucketFleet, Storage: jetstream.FileStorage, Replicas: replicas, History: 1},
		leaseOf(replicas, LeaseTTL),
	}
}

// Prepare creates the streams and buckets, or changes those of an older version. Each
// has as many replicas as the cluster has servers, but at most three; one server has
// one. A cluster that has just started may refuse: the caller tries again.
func Prepare(ctx context.Context, js jetstream.JetStream, servers int) error {
	replicas := replicasOn(servers)
	for _, s := range streams(replicas) {
		err := within(ctx, func(ctx context.Context) error { _, err := js.CreateOrUpdateStream(ctx, s); return err })
		if err != nil {
			return fmt.Errorf("stream %s: %w", s.Name, err)
		}
	}
	for _, b := range buckets(replicas) {
		err := within(ctx, func(ctx context.Context) error { _, err := js.CreateOrUpdateKeyValue(ctx, b); return err })
		if err != nil {
			return fmt.Errorf("bucket %s: %w", b.Bucket, err)
		}
	}
	return nil
}

// replicasOn is how many copies so many servers have of everything.
func replicasOn(servers int) int {
	replicas := min(max(servers, 1), 3)
	if replicas == 2 {
		return 1 // two of two must both be there, which is worse than one
	}
	return replicas
}

func leaseOf(replicas int, ttl time.Duration) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{Bucket: BucketLease, Storage: jetstream.FileStorage, Replicas: replicas, History: 1, TTL: ttl}
}

// PreparePair creates what two bots need of which one speaks, as Prepare does: a lease
// that ends after a time, and room for the backups of a state.
func PreparePair(ctx context.Context, js jetstream.JetStream, servers int, ttl time.Duration) error {
	replicas := replicasOn(servers)
	err := within(ctx, func(ctx context.Context) error {
		_, err := js.CreateOrUpdateKeyValue(ctx, leaseOf(replicas, ttl))
		return err
	})
	if err != nil {
		return fmt.Errorf("bucket %s: %w", BucketLease, err)
	}
	err = within(ctx, func(ctx context.Context) error {
		_, err := js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: BucketState, Storage: jetstream.FileStorage, Replicas: replicas})
		return err
	})
	if err != nil {
		return fmt.Errorf("bucket %s: %w", BucketState, err)
	}
	return nil
}

// within bounds a request: a cluster without a leader answers none.
func within(ctx context.Context, do func(context.Context) error) error {
	short, end := context.WithTimeout(ctx, requestTimeout)
	defer end()
	return do(short)
}

// LookConsumer is the queue of a vantage point in LOOKS. The bot creates it; the agent
// may only fetch from it and acknowledge.
func LookConsumer(vantage string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: vantage, FilterSubject: LookSubject(vantage), AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: time.Minute, MaxDeliver: 3, MaxAckPending: 1000,
	}
}

// Codes of JetStream for a hub without room: of the server's storage or of the stream.
const (
	codeStorage = 10047
	codeSpace   = 10023
	codeStore   = 10077
)

// IsFull reports whether a publish failed because the hub has no room for it.
func IsFull(err error) bool {
	failed, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (failed.ErrorCode == codeStorage || failed.ErrorCode == codeSpace || failed.ErrorCode == codeStore)
}
