;; The one loop that all layers share: a few pixels times eight columns of weights.
;;
;; out[p][n] = max(y, slope * y) with y = bias[n] + sum over r, k of in[p][r][k] * weights[r][k][n], n = 0 to 7.
;; An input pixel is `rows` stretches of `length` floats: the rows of a convolution's window. Neighbouring windows
;; overlap in memory, so nothing is copied. Slope 0 is ReLU, 0.2 LeakyReLU, 1 leaves y as it is.
;; Addresses and steps are in bytes. Four pixels are computed at once, and the last one to three each alone.

(module
  (import "engine" "memory" (memory 1))
  (func $pixels (export "panel")
    (param $in i32) (param $step i32) (param $rows i32) (param $row_step i32) (param $length i32)
    (param $weights i32) (param $bias i32) (param $out i32) (param $out_step i32) (param $pixels i32)
    (param $slope f32)
    (local $row i32) (local $at i32) (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $end i32)
    (local $leak v128) (local $left v128) (local $right v128) (local $x v128)
    (local $a0 v128) (local $a1 v128) (local $b0 v128) (local $b1 v128)
    (local $c0 v128) (local $c1 v128) (local $d0 v128) (local $d1 v128)
    (local.set $leak (f32x4.splat (local.get $slope)))

    (block $no_fours
      (br_if $no_fours (i32.lt_s (local.get $pixels) (i32.const 4)))
      (loop $fours
        (local.set $at (local.get $weights))
        (local.set $a0 (v128.load (local.get $bias)))
        (local.set $a1 (v128.load offset=16 (local.get $bias)))
        (local.set $b0 (local.get $a0)) (local.set $b1 (local.get $a1))
        (local.set $c0 (local.get $a0)) (local.set $c1 (local.get $a1))
        (local.set $d0 (local.get $a0)) (local.set $d1 (local.get $a1))
        (local.set $row (local.get $rows))
        (local.set $a (local.get $in))
        (loop $next_row
          (local.set $b (i32.add (local.get $a) (local.get $step)))
          (local.set $c (i32.add (local.get $b) (local.get $step)))
          (local.set $d (i32.add (local.get $c) (local.get $step)))
          (local.set $end (i32.add (local.get $a) (i32.shl (local.get $length) (i32.const 2))))
          (loop $next
            (local.set $left (v128.load (local.get $at)))
            (local.set $right (v128.load offset=16 (local.get $at)))
            (local.set $x (v128.load32_splat (local.get $a)))
            (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $x) (local.get $left))))
            (local.set $a1 (f32x4.add (local.get $a1) (f32x4.mul (local.get $x) (local.get $right))))
            (local.set $x (v128.load32_splat (local.get $b)))
            (local.set $b0 (f32x4.add (local.get $b0) (f32x4.mul (local.get $x) (local.get $left))))
            (local.set $b1 (f32x4.add (local.get $b1) (f32x4.mul (local.get $x) (local.get $right))))
            (local.set $x (v128.load32_splat (local.get $c)))
            (local.set $c0 (f32x4.add (local.get $c0) (f32x4.mul (local.get $x) (local.get $left))))
            (local.set $c1 (f32x4.add (local.get $c1) (f32x4.mul (local.get $x) (local.get $right))))
            (local.set $x (v128.load32_splat (local.get $d)))
            (local.set $d0 (f32x4.add (local.get $d0) (f32x4.mul (local.get $x) (local.get $left))))
            (local.set $d1 (f32x4.add (local.get $d1) (f32x4.mul (local.get $x) (local.get $right))))
            (local.set $at (i32.add (local.get $at) (i32.const 32)))
            (local.set $b (i32.add (local.get $b) (i32.const 4)))
            (local.set $c (i32.add (local.get $c) (i32.const 4)))
            (local.set $d (i32.add (local.get $d) (i32.const 4)))
            (local.set $a (i32.add (local.get $a) (i32.const 4)))
            (br_if $next (i32.lt_u (local.get $a) (local.get $end))))
          (local.set $a (i32.add (local.get $a)
            (i32.sub (local.get $row_step) (i32.shl (local.get $length) (i32.const 2)))))
          (br_if $next_row (local.tee $row (i32.sub (local.get $row) (i32.const 1)))))
        (call $store (local.get $out) (local.get $a0) (local.get $a1) (local.get $leak))
        (call $store (local.tee $out (i32.add (local.get $out) (local.get $out_step)))
          (local.get $b0) (local.get $b1) (local.get $leak))
        (call $store (local.tee $out (i32.add (local.get $out) (local.get $out_step)))
          (local.get $c0) (local.get $c1) (local.get $leak))
        (call $store (local.tee $out (i32.add (local.get $out) (local.get $out_step)))
          (local.get $d0) (local.get $d1) (local.get $leak))
        (local.set $out (i32.add (local.get $out) (local.get $out_step)))
        (local.set $in (i32.add (local.get $in) (i32.shl (local.get $step) (i32.const 2))))
        (local.set $pixels (i32.sub (local.get $pixels) (i32.const 4)))
        (br_if $fours (i32.ge_s (local.get $pixels) (i32.const 4)))))

    (block $no_ones
      (br_if $no_ones (i32.eqz (local.get $pixels)))
      (loop $ones
        (local.set $at (local.get $weights))
        (local.set $a0 (v128.load (local.get $bias)))
        (local.set $a1 (v128.load offset=16 (local.get $bias)))
        (local.set $row (local.get $rows))
        (local.set $a (local.get $in))
        (loop $next_row
          (local.set $end (i32.add (local.get $a) (i32.shl (local.get $length) (i32.const 2))))
          (loop $next
            (local.set $x (v128.load32_splat (local.get $a)))
            (local.set $a0 (f32x4.add (local.get $a0) (f32x4.mul (local.get $x) (v128.load (local.get $at)))))
            (local.set $a1
              (f32x4.add (local.get $a1) (f32x4.mul (local.get $x) (v128.load offset=16 (local.get $at)))))
            (local.set $at (i32.add (local.get $at) (i32.const 32)))
            (local.set $a (i32.add (local.get $a) (i32.const 4)))
            (br_if $next (i32.lt_u (local.get $a) (local.get $end))))
          (local.set $a (i32.add (local.get $a)
            (i32.sub (local.get $row_step) (i32.shl (local.get $length) (i32.const 2)))))
          (br_if $next_row (local.tee $row (i32.sub (local.get $row) (i32.const 1)))))
        (call $store (local.get $out) (local.get $a0) (local.get $a1) (local.get $leak))
        (local.set $out (i32.add (local.get $out) (local.get $out_step)))
        (local.set $in (i32.add (local.get $in) (local.get $step)))
        (br_if $ones (local.tee $pixels (i32.sub (local.get $pixels) (i32.const 1)))))))

  (func $store (param $out i32) (param $y0 v128) (param $y1 v128) (param $leak v128)
    (v128.store (local.get $out) (f32x4.max (local.get $y0) (f32x4.mul (local.get $y0) (local.get $leak))))
    (v128.store offset=16 (local.get $out)
      (f32x4.max (local.get $y1) (f32x4.mul (local.get $y1) (local.get $leak))))))
