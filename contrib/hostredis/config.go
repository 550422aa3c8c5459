package hostredis

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

const (
	defaultNamespace = "hostlife"
	maxNamespace     = 100
	defaultLog       = 200_000
	minLog           = 1000
	defaultLogBytes  = 256 << 20
	minLogBytes      = 4 * share.MaxBatch
)

// Config configures a Store. Client is required.
type Config struct {
	// Client is the embedder's client, for one server, Sentinel or Cluster. The Store does not close
	// it. Each feed opens one more connection with the options of the client.
	Client redis.UniversalClient
	// Namespace separates tables in one Redis. All members of a table have the same Namespace. It has
	// 1 to 100 letters, digits, and the characters "_", "-", "." and ":". Empty means "hostlife".
	Namespace string
	// Lapse must be the same as in share.Config. The Store only compares it with the settings of
	// Redis. Zero means 5 s.
	Lapse time.Duration
	// Log is the approximate number of changes that the log keeps for feeds that are behind. It is at
	// least 1000. All members of a table should have the same value. Zero means 200,000.
	Log int
	// LogBytes is the approximate size of the log, if it is reached before the number of changes. It
	// is at least 4 MiB. All members of a table should have the same value. Zero means 256 MiB.
	LogBytes int
	// Logger gets the warnings of Check. It also gets a line when a feed reconnects, and a line about
	// records that are not well-formed, each at most once a minute. Nil means that nothing is logged.
	Logger *slog.Logger
}

// A Store is a share.Store on Redis. Its methods may be called concurrently.
type Store struct {
	client   redis.UniversalClient
	lapse    time.Duration
	log      int
	logBytes int
	logger   *slog.Logger
	keys     keys

	checked atomic.Bool // a feed has begun, and called Check
	mu      sync.Mutex  // guards warned
	warned  map[string]time.Time
}

var _ share.Store = (*Store)(nil)

// New returns a Store. It does not connect. An error wraps hostmgr.ErrInvalid.
func New(c Config) (*Store, error) {
	if c.Namespace == "" {
		c.Namespace = defaultNamespace
	}
	if c.Lapse == 0 {
		c.Lapse = 5 * time.Second
	}
	if c.Log == 0 {
		c.Log = defaultLog
	}
	if c.LogBytes == 0 {
		c.LogBytes = defaultLogBytes
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Client == nil:
		return nil, invalid("no Client")
	case len(c.Namespace) > maxNamespace || strings.Trim(c.Namespace, nameChars) != "":
		return nil, invalid("Namespace %q is not 1 to %d letters, digits, or any of _-.:", c.Namespace, maxNamespace)
	case c.Lapse < 0:
		return nil, invalid("Lapse %v is negative", c.Lapse)
	case c.Log < minLog:
		return nil, invalid("Log %d is less than %d", c.Log, minLog)
	case c.LogBytes < minLogBytes:
		return nil, invalid("LogBytes %d is less than %d", c.LogBytes, minLogBytes)
	}
	return &Store{
		client: c.Client, lapse: c.Lapse, log: c.Log, logBytes: c.LogBytes, logger: c.Logger, keys: keysOf(c.Namespace),
		warned: map[string]time.Time{},
	}, nil
}

// nameChars are those of a namespace. A brace would end the hash tag of Redis Cluster.
const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:"

func invalid(format string, args ...any) error {
	return fmt.Errorf("hostredis: %w: %s", hostmgr.ErrInvalid, fmt.Sprintf(format, args...))
}

// warn logs a warning, at most one a minute of its kind.
func (s *Store) warn(ctx context.Context, kind, text string, args ...any) {
	now := clock.System().Now()
	s.mu.Lock()
	last, again := s.warned[kind]
	again = again && now.Sub(last) < time.Minute
	if !again {
		s.warned[kind] = now
	}
	s.mu.Unlock()
	if !again {
		s.logger.WarnContext(ctx, text, append(args, "namespace", s.keys.meta)...)
	}
}

// newEpoch returns a name for a table that never was.
func newEpoch() string { return rand.Text() }
