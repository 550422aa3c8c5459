package chaos

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/procs"
)

const redisPort = ":6379"

// A redisServer is redis-server, perhaps with a replica.
//
// With a replica, the schedulers connect to a proxy, and a failover is that the proxy connects to
// the replica. So the round decides when it happens, and what is lost. Sentinel does the same for
// the schedulers: their connections end, and new ones lead to another server. Its tests are in
// contrib/hostredis.
type redisServer struct {
	round   *round
	addr    string
	proc    *procs.Proc
	links   []*link // of the schedulers
	replica *procs.Proc
	second  string // address of the replica
	supply  *link  // from the replica to the primary
	starts  int
}

func (e *redisServer) start() error {
	beSilent()
	var err error
	e.addr = e.round.net.next() + redisPort
	if e.proc, err = e.launch(e.addr); err != nil {
		return err
	}
	if e.round.linked || e.round.replicated {
		for range e.round.cfg.Schedulers {
			l, err := lay(e.round.net.next()+redisPort, e.addr)
			if err != nil {
				return err
			}
			e.links = append(e.links, l)
		}
	}
	if e.round.replicated {
		return e.startReplica()
	}
	return nil
}

// beSilent keeps the client, which is one for the process, from printing that servers do not
// answer.
var beSilent = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func (e *redisServer) startReplica() (err error) {
	if e.supply, err = lay(e.round.net.next()+redisPort, e.addr); err != nil {
		return err
	}
	e.second = e.round.net.next() + redisPort
	host, port, _ := strings.Cut(e.supply.address(), ":")
	if e.replica, err = e.launch(e.second, "--replicaof", host+" "+port); err != nil {
		return err
	}
	return e.round.until(startLimit, func() bool { return e.info(e.second, "replication", "master_link_status") == "up" })
}

// launch starts a server without a disk, and waits until it answers.
func (e *redisServer) launch(addr string, settings ...string) (*procs.Proc, error) {
	ip, port, _ := strings.Cut(addr, ":")
	e.starts++
	name := fmt.Sprintf("redis-%d", e.starts)
	dir, err := os.MkdirTemp(e.round.dir, name)
	if err != nil {
		return nil, err
	}
	args := append([]string{
		"--bind", ip, "--port", port, "--dir", dir, "--save", "", "--appendonly", "no",
		"--repl-diskless-sync-delay", "0",
	}, settings...)
	p, err := e.round.start(name, "redis-server", "", args...)
	if err != nil {
		return nil, err
	}
	if err := e.round.until(startLimit, func() bool { return e.do(addr, "PING") == nil }); err != nil {
		return nil, fmt.Errorf("%s does not answer: %w", name, err)
	}
	return p, nil
}

func (e *redisServer) url(scheduler int) string {
	if len(e.links) > 0 {
		return "redis://" + e.links[scheduler].address()
	}
	return "redis://" + e.addr
}

func (e *redisServer) close() {
	for _, l := range append(e.links, e.supply) {
		if l != nil {
			l.cut()
		}
	}
}

// do runs a command.
func (e *redisServer) do(addr string, args ...any) error {
	return e.with(addr, func(ctx context.Context, c *redis.Client) error { return c.Do(ctx, args...).Err() })
}

func (e *redisServer) with(addr string, f func(context.Context, *redis.Client) error) error {
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true})
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(e.round.ctx, 2*time.Second)
	defer cancel()
	return f(ctx, c)
}

// info returns a field of INFO, or an empty text.
func (e *redisServer) info(addr, section, field string) (value string) {
	_ = e.with(addr, func(ctx context.Context, c *redis.Client) error {
		text, err := c.Info(ctx, section).Result()
		for line := range strings.SplitSeq(text, "\r\n") {
			if v, ok := strings.CutPrefix(line, field+":"); ok {
				value = v
			}
		}
		return err
	})
	return value
}

// revision returns how many changes the table has had.
func (e *redisServer) revision(addr string) (n int) {
	_ = e.with(addr, func(ctx context.Context, c *redis.Client) error {
		text, err := c.HGet(ctx, "{hostlife}:m", "revision").Result()
		n, _ = strconv.Atoi(text)
		return err
	})
	return n
}

// stopped stops the server while f runs.
func (e *redisServer) stopped(f func() error) error {
	return e.round.disturbs(history.Engine, "stopped", func() error {
		e.proc.Signal(syscall.SIGSTOP)
		defer e.proc.Signal(syscall.SIGCONT)
		return f()
	})
}

// restartEmpty kills the server, and starts another one at the same address.
func (e *redisServer) restartEmpty(after time.Duration) error {
	return e.round.disturbs(history.Engine, "killed, and restarted empty", func() (err error) {
		e.proc.Kill()
		killed := history.Now()
		e.round.pause(after)
		e.proc, err = e.launch(e.addr)
		e.round.log.Add(history.Entry{Kind: history.Lost, Began: 1, At: killed})
		return err
	})
}

// failOver cuts off the replica, waits until the primary has taken some more writes, kills it, and
// promotes the replica.
func (e *redisServer) failOver(writes int, after time.Duration) error {
	e.supply.cut()
	began, before := history.Now(), e.revision(e.addr)
	if err := e.round.until(startLimit, func() bool { return e.revision(e.addr) >= before+writes }); err != nil {
		return fmt.Errorf("no %d writes: %w", writes, err)
	}
	return e.round.disturbs(history.Engine, "failed over", func() error {
		e.proc.Kill()
		e.round.log.Add(history.Entry{Kind: history.Lost, Began: began})
		e.round.pause(after)
		if err := e.do(e.second, "REPLICAOF", "NO", "ONE"); err != nil {
			return err
		}
		for _, l := range e.links {
			if err := l.redirect(e.second); err != nil {
				return err
			}
		}
		return nil
	})
}
