# SPDX-License-Identifier: LGPL-2.1-or-later
#
# PTN_CFLAG(VARIABLE, FLAG...): appends to VARIABLE each flag that the compiler
# accepts without a warning.

AC_DEFUN([PTN_CFLAG], [
  m4_foreach_w([ptn_flag], [$2], [
    AC_MSG_CHECKING([whether $CC accepts ]ptn_flag)
    ptn_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS ptn_flag -Werror"
    AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int main(void) { return 0; }]])],
      [AC_MSG_RESULT([yes]); $1="$$1 ptn_flag"],
      [AC_MSG_RESULT([no])])
    CFLAGS=$ptn_saved_CFLAGS
  ])
])
