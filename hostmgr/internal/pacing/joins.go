package pacing

import "time"

const part = int64(time.Second) / 8

// joins counts the joins of the last second, in nine parts: the current eighth of a second and the
// eight before it.
type joins struct {
	parts  [9]int
	latest int64 // number of the current part
}

func (j *joins) add(now int64) {
	j.turn(now)
	j.parts[j.latest%int64(len(j.parts))]++
}

func (j *joins) sum(now int64) (n int) {
	j.turn(now)
	for _, k := range j.parts {
		n += k
	}
	return n
}

// turn clears each part that has begun since the last call.
func (j *joins) turn(now int64) {
	current, size := now/part, int64(len(j.parts))
	for j.latest = max(j.latest, current-size); j.latest < current; {
		j.latest++
		j.parts[j.latest%size] = 0
	}
}
