// What the parts of the table of operations share.
#pragma once

#include <vector>

#include "tools/op.h"

namespace tinct {

void add_loss_operations(std::vector<Operation>& table);
void add_colour_operations(std::vector<Operation>& table);

namespace op_table {

inline const OpTensor x{"x", "(n,h,w,c)"};
inline const OpSetting border{"border",
                              SettingKind::choice,
                              "symmetric",
                              "what lies outside the picture",
                              {"zero", "symmetric"}};
inline const OpSetting normalised{"normalised", SettingKind::flag, "true", "taps sum to one"};

}  // namespace op_table
}  // namespace tinct
