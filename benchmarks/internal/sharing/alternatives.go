package sharing

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/hostlife/hostlife/benchmarks/internal/engine"
	"github.com/hostlife/hostlife/benchmarks/internal/machine"
	"github.com/hostlife/hostlife/benchmarks/internal/members"
)

const (
	flushEvery  = 100 * time.Millisecond // of published contacts
	flushAtMost = 500                    // contacts in one command or pipeline
	readEvery   = time.Second            // what is new
)

// A publisher sends contacts of hosts to Redis.
type publisher func(ctx context.Context, c *redis.Client, hosts []int) error

// dragonfly is the layout of the persistent cache of Dragonfly's scheduler, as its source describes
// it, not its code: each announce sets a hash of 60 fields, and adds the host to a set.
func (b *bench) dragonfly() error {
	return b.publishing("Dragonfly's persistent cache, re-implemented: a hash of 60 fields and a set", announceHash, false)
}

// publish is the plain alternative: each member publishes its heartbeats in a sorted set by time,
// and reads those of the others.
func (b *bench) publish() error {
	if err := b.publishing("each heartbeat by ZADD GT, in batches", publishScores, false); err != nil {
		return err
	}
	return b.publishing("the same, and each member reads what is new, once a second", publishScores, true)
}

func announceHash(ctx context.Context, c *redis.Client, hosts []int) error {
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, host := range hosts {
			fields := make([]any, 0, 120)
			for i := range 60 {
				fields = append(fields, "some_field_name_"+strconv.Itoa(i), "value-"+strconv.Itoa(i)+"-12345678")
			}
			p.HSet(ctx, "host:"+members.ID(host), fields...)
			p.SAdd(ctx, "hosts", members.ID(host))
		}
		return nil
	})
	return err
}

func publishScores(ctx context.Context, c *redis.Client, hosts []int) error {
	now := float64(time.Now().UnixMilli())
	all := make([]redis.Z, len(hosts))
	for i, host := range hosts {
		all[i] = redis.Z{Score: now, Member: members.ID(host)}
	}
	return c.ZAddGT(ctx, "seen", all...).Err()
}

// publishing has all hosts there, and then measures the steady state.
func (b *bench) publishing(about string, send publisher, read bool) error {
	e, err := b.fresh()
	if err != nil {
		return err
	}
	if err := b.sendAll(e, send); err != nil {
		return err
	}
	own, err := machine.Own()
	if err != nil {
		own = 0
	}
	w, cpu, err := b.atWork()
	if err != nil {
		return err
	}
	sent, err := b.play(e, send, read)
	if err != nil {
		return err
	}
	took, load := w.Took(), w.Close()
	after, err := b.engineCPU()
	if err != nil {
		return err
	}
	b.add(load, about, percent(after-cpu, took), "% of a core")
	b.add(load, "a heartbeat", us(after-cpu)/float64(sent), "us of the engine")
	if ours, err := machine.Own(); err == nil {
		b.add(load, "processor time of a member", percent((ours-own)/time.Duration(b.Members), took), "% of a core")
	}
	return nil
}

// sendAll publishes each host once.
func (b *bench) sendAll(e *engine.Engine, send publisher) error {
	c := engine.Client(e.Addr)
	defer func() { _ = c.Close() }()
	for from := 0; from < b.Hosts; from += flushAtMost {
		if err := send(b.ctx, c, numbers(from, min(from+flushAtMost, b.Hosts))); err != nil {
			return err
		}
	}
	return nil
}

func numbers(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

// play plays the members, and returns how many contacts they have sent.
func (b *bench) play(e *engine.Engine, send publisher, read bool) (sent int, err error) {
	counts := make([]int, b.Members)
	all, ctx := errgroup.WithContext(b.ctx)
	for i := range b.Members {
		c := engine.Client(e.Addr)
		defer func() { _ = c.Close() }()
		all.Go(func() (err error) { counts[i], err = b.publishPart(ctx, c, i, send); return err })
		if read {
			all.Go(func() error { return b.readScores(ctx, c) })
		}
	}
	err = all.Wait()
	for _, n := range counts {
		sent += n
	}
	if err == nil && sent == 0 {
		err = fmt.Errorf("no contact was sent in %v", b.For)
	}
	return sent, err
}

// publishPart publishes the contacts of one member.
func (b *bench) publishPart(ctx context.Context, c *redis.Client, index int, send publisher) (sent int, err error) {
	part := b.Hosts / b.Members
	start := time.Now()
	for t := start; time.Since(start) < b.For && ctx.Err() == nil; {
		t = t.Add(flushEvery)
		time.Sleep(time.Until(t))
		due := int(float64(part) * float64(t.Sub(start)) / float64(b.Interval))
		for sent < due {
			n := min(flushAtMost, due-sent)
			hosts := make([]int, n)
			for i := range hosts {
				hosts[i] = index*part + (sent+i)%part
			}
			if err := send(ctx, c, hosts); err != nil {
				return sent, err
			}
			sent += n
		}
	}
	return sent, nil
}

// readScores reads what is new, as a member must that judges hosts by what others publish.
func (b *bench) readScores(ctx context.Context, c *redis.Client) error {
	start := time.Now()
	last := float64(start.UnixMilli())
	for t := start; time.Since(start) < b.For && ctx.Err() == nil; {
		t = t.Add(readEvery)
		time.Sleep(time.Until(t))
		after := &redis.ZRangeBy{Min: "(" + strconv.FormatFloat(last, 'f', -1, 64), Max: "+inf"}
		all, err := c.ZRangeByScoreWithScores(ctx, "seen", after).Result()
		if err != nil {
			return err
		}
		if len(all) > 0 {
			last = all[len(all)-1].Score
		}
	}
	return nil
}
