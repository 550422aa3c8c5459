package chaos

import (
	"fmt"
	"time"
)

// scenarios returns all scenarios.
func scenarios() []scenario {
	return []scenario{
		{name: "none", about: "nothing is attacked; hosts come and go, as in all others", fault: (*round).nothing},
		{name: "scheduler_killed", about: "SIGKILL of a scheduler; it restarts soon, late, or never", fault: (*round).schedulerKilled},
		{name: "scheduler_stopped", about: "SIGSTOP of a scheduler for longer than every timeout", fault: (*round).schedulerStopped, proves: buriedSome},
		{name: "rolling_restart", about: "SIGTERM of each scheduler in turn, which is started again", fault: (*round).rollingRestart},
		{name: "redis_stopped", about: "SIGSTOP of Redis for twice the timeout, or twice the lapse", fault: (*round).redisStopped},
		{name: "redis_empty", about: "SIGKILL of Redis, which restarts empty; perhaps a scheduler is frozen then", fault: (*round).redisEmpty, proves: lostSome},
		{name: "redis_failover", about: "the replica is cut off, the primary takes ten more writes and is killed, and the\n                       replica is promoted", replicated: true, fault: (*round).redisFailover, proves: lostSome},
		{name: "redis_lru", about: "allkeys-lru under memory pressure: Redis removes parts of the table", fault: (*round).redisLRU},
		{name: "redis_full", about: "Redis refuses writes, because its memory is full", fault: (*round).redisFull},
		{name: "link_cut", about: "nothing passes between a scheduler and Redis", linked: true, fault: (*round).linkCut, proves: buriedSome},
		{name: "link_slow", about: "all that passes between a scheduler and Redis is delayed", linked: true, fault: (*round).linkSlow},
		{name: "link_up", about: "nothing from a scheduler reaches Redis, but answers would pass", linked: true, fault: (*round).linkUp, proves: buriedSome},
		{name: "link_down", about: "a scheduler reaches Redis, but gets no answer", linked: true, fault: (*round).linkDown, proves: buriedSome},
		{name: "etcd_leader_killed", about: "SIGKILL of the leader of three etcd nodes", etcd: true, fault: (*round).etcdLeaderKilled},
		{name: "etcd_leader_stopped", about: "SIGSTOP of the leader of three etcd nodes, for less or more than the lapse", etcd: true, fault: (*round).etcdLeaderStopped},
		{name: "everything", about: "six faults of schedulers and links, some at the same time, one of them a failover", replicated: true, fault: (*round).everything, proves: lostSome},
	}
}

// long returns a time that is longer than every timeout.
func (r *round) long() time.Duration {
	d := r.cfg.Lapse + r.cfg.timeout()
	return r.between(d, d+d/2)
}

// whileManyDie runs f, and many hosts die together at some moment.
func (r *round) whileManyDie(f func() error) error {
	h := newFamily("mass", mass, styles[1])
	if err := r.hosts.run(h); err != nil {
		return err
	}
	r.pause(r.cfg.Interval + r.between(0, r.cfg.Interval))
	died := make(chan struct{})
	after := r.between(0, 3*r.cfg.timeout())
	go func() {
		defer close(died)
		r.pause(after)
		r.hosts.die(h)
	}()
	err := f()
	<-died
	return err
}

func (r *round) nothing() error {
	return r.whileManyDie(func() error {
		r.pause(2 * r.cfg.timeout())
		return nil
	})
}

func (r *round) schedulerKilled() error {
	return r.whileManyDie(func() error {
		r.pause(r.between(0, r.cfg.timeout()))
		s := r.victim()
		s.kill()
		switch r.rnd.IntN(3) {
		case 0:
			r.pause(r.between(0, r.cfg.Lapse/2))
			return s.start()
		case 1:
			r.pause(r.long())
			return s.start()
		default:
			r.pause(r.long())
			return nil
		}
	})
}

func (r *round) schedulerStopped() error {
	return r.whileManyDie(func() error { return r.victim().stopped(r.lasts(r.long())) })
}

func (r *round) rollingRestart() error {
	return r.whileManyDie(func() error {
		for _, s := range r.schedulers {
			if err := s.end(); err != nil {
				return err
			}
			r.pause(r.between(0, r.cfg.timeout()))
			if err := s.start(); err != nil {
				return err
			}
			if err := r.until(startLimit, s.serves); err != nil {
				return err
			}
		}
		return nil
	})
}

// lasts returns a function that takes some time.
func (r *round) lasts(d time.Duration) func() error {
	return func() error {
		r.pause(d)
		return nil
	}
}

func (r *round) redis() *redisServer { return r.engine.(*redisServer) }

func (r *round) redisStopped() error {
	d := 2 * r.cfg.timeout()
	if r.rnd.IntN(2) == 0 {
		d = 2 * r.cfg.Lapse
	}
	return r.whileManyDie(func() error { return r.redis().stopped(r.lasts(d)) })
}

// redisEmpty also freezes a scheduler for less than the lapse, in half of the rounds, when Redis is
// killed. So that one comes back later than the others.
func (r *round) redisEmpty() error {
	if r.rnd.IntN(2) == 0 {
		return r.whileManyDie(func() error { return r.redis().restartEmpty(r.between(0, 3*r.cfg.timeout())) })
	}
	s, d := r.victim(), r.between(r.cfg.Lapse/3, r.cfg.Lapse*2/3)
	return r.whileManyDie(func() error {
		return r.inTurn([]func() error{
			func() error { return s.stopped(r.lasts(d)) },
			func() error { return r.redis().restartEmpty(0) },
		}, 0, []bool{false, false})
	})
}

func (r *round) redisFailover() error {
	return r.whileManyDie(func() error { return r.redis().failOver(10+r.rnd.IntN(30), r.between(0, 2*time.Second)) })
}

func (r *round) redisLRU() error {
	return r.whileManyDie(func() error {
		removed, err := r.redis().press(r.between(2*r.cfg.timeout(), 4*r.cfg.timeout()))
		if err == nil && removed == 0 {
			return fmt.Errorf("redis has removed no key: this proves nothing")
		}
		return err
	})
}

func (r *round) redisFull() error {
	return r.whileManyDie(func() error { return r.redis().full(r.lasts(r.long())) })
}

// linkFails makes the link of one scheduler suffer.
func (r *round) linkFails(how string, lasts time.Duration, toxics ...toxic) error {
	return r.whileManyDie(func() error {
		s := r.victim()
		return r.disturbs(s.name, how, func() error {
			return r.redis().links[s.number].suffers(toxics, r.lasts(lasts))
		})
	})
}

func (r *round) linkCut() error {
	return r.linkFails("cut off", r.long(), toxic{up, dropped}, toxic{down, dropped})
}

func (r *round) linkSlow() error {
	d := r.between(100*time.Millisecond, time.Second)
	return r.linkFails(fmt.Sprintf("late by %v", d), r.long(), toxic{up, delayed(d, d/2)}, toxic{down, delayed(d, d/2)})
}

func (r *round) linkUp() error { return r.linkFails("not heard", r.long(), toxic{up, dropped}) }

func (r *round) linkDown() error {
	return r.linkFails("not answered", r.long(), toxic{down, dropped})
}

func (r *round) etcdLeaderStopped() error {
	return r.whileManyDie(func() error {
		return r.engine.(*etcd).stopLeader(r.lasts(r.between(r.cfg.timeout(), r.long())))
	})
}

func (r *round) etcdLeaderKilled() error {
	return r.whileManyDie(func() error {
		r.pause(r.between(0, r.cfg.timeout()))
		return r.engine.(*etcd).killLeader(r.between(time.Second, r.long()))
	})
}
