// The CIEDE2000 colour difference.
#pragma once

namespace tinct {

/// CIEDE2000 colour difference of two Lab colours, k_L = k_C = k_H = 1.
/// Source: Sharma, Wu, Dalal, "The CIEDE2000 color-difference formula", 2005.
double ciede2000(const double lab1[3], const double lab2[3]);

}  // namespace tinct
